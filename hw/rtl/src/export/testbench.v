// Self-checking bench of the accelerator: control over AXI4-Lite, a memory of the cycle contract behind
// AXI4, and a comparison of memory, cycles and counters with what the simulator found.
//
// Plus arguments (all optional):
//   +memory=FILE    external memory before the run       (vectors/memory.hex)
//   +expected=FILE  external memory after the run        (vectors/expected.hex; "none": no comparison)
//   +run=FILE       program address, words, cycles, counters (vectors/run.hex)
//   +trace=FILE     writes start and end cycle of every command
//   +dump=FILE      writes external memory after the run
//   +stall=SEED     random stalls on every channel: bits are compared, cycles are not
//   +limit=CYCLES   gives up after so many cycles      (twice those expected)
//   +vcd=FILE       writes waveforms
`timescale 1ns / 1ps

module testbench;
  // {{parameters}}
  localparam BUS_BYTES = BUS_BITS / 8;
  localparam COUNTERS = 32;
  localparam QUEUE = 8;

  reg clock;
  reg reset;
  initial clock = 0;
  always #5 clock = ~clock;

  // ---- the accelerator ----
  reg s_axi_awvalid, s_axi_wvalid, s_axi_bready, s_axi_arvalid, s_axi_rready;
  reg [11:0] s_axi_awaddr, s_axi_araddr;
  reg [31:0] s_axi_wdata;
  wire s_axi_awready, s_axi_wready, s_axi_bvalid, s_axi_arready, s_axi_rvalid;
  wire [1:0] s_axi_bresp, s_axi_rresp;
  wire [31:0] s_axi_rdata;

  wire m_axi_arvalid, m_axi_awvalid, m_axi_wvalid, m_axi_wlast, m_axi_rready, m_axi_bready;
  wire [31:0] m_axi_araddr, m_axi_awaddr;
  wire [7:0] m_axi_arlen, m_axi_awlen;
  wire [BUS_BITS-1:0] m_axi_wdata;
  wire [BUS_BYTES-1:0] m_axi_wstrb;
  wire [2:0] m_axi_arsize, m_axi_awsize;
  wire [1:0] m_axi_arburst, m_axi_awburst;
  reg m_axi_arready, m_axi_awready, m_axi_rvalid, m_axi_rlast, m_axi_wready, m_axi_bvalid;
  reg [BUS_BITS-1:0] m_axi_rdata;

  wire trace_go, trace_finished;
  wire [3:0] trace_started, trace_ended;

  {{top}} dut (
    .clock(clock),{{reset}}
    .s_axi_awvalid(s_axi_awvalid), .s_axi_awready(s_axi_awready), .s_axi_awaddr(s_axi_awaddr),
    .s_axi_wvalid(s_axi_wvalid), .s_axi_wready(s_axi_wready), .s_axi_wdata(s_axi_wdata), .s_axi_wstrb(4'hf),
    .s_axi_bvalid(s_axi_bvalid), .s_axi_bready(s_axi_bready), .s_axi_bresp(s_axi_bresp),
    .s_axi_arvalid(s_axi_arvalid), .s_axi_arready(s_axi_arready), .s_axi_araddr(s_axi_araddr),
    .s_axi_rvalid(s_axi_rvalid), .s_axi_rready(s_axi_rready), .s_axi_rdata(s_axi_rdata), .s_axi_rresp(s_axi_rresp),
    .m_axi_arvalid(m_axi_arvalid), .m_axi_arready(m_axi_arready), .m_axi_araddr(m_axi_araddr),
    .m_axi_arlen(m_axi_arlen), .m_axi_arsize(m_axi_arsize), .m_axi_arburst(m_axi_arburst),
    .m_axi_rvalid(m_axi_rvalid), .m_axi_rready(m_axi_rready), .m_axi_rdata(m_axi_rdata), .m_axi_rlast(m_axi_rlast),
    .m_axi_awvalid(m_axi_awvalid), .m_axi_awready(m_axi_awready), .m_axi_awaddr(m_axi_awaddr),
    .m_axi_awlen(m_axi_awlen), .m_axi_awsize(m_axi_awsize), .m_axi_awburst(m_axi_awburst),
    .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(m_axi_wready), .m_axi_wdata(m_axi_wdata),
    .m_axi_wstrb(m_axi_wstrb), .m_axi_wlast(m_axi_wlast),
    .m_axi_bvalid(m_axi_bvalid), .m_axi_bready(m_axi_bready),
    .trace_go(trace_go), .trace_finished(trace_finished),
    .trace_started(trace_started), .trace_ended(trace_ended)
  );

  // ---- external memory: bursts in the order of their addresses, a beat a cycle at most ----
  reg [BUS_BITS-1:0] memory [0:MEMORY_BEATS-1];
  reg [63:0] tick;
  // Bursts accepted and not over. A burst's first beat is LATENCY cycles after its address at the earliest.
  reg [63:0] queue_due [0:QUEUE-1];
  reg [31:0] queue_beat [0:QUEUE-1];
  reg [8:0] queue_left [0:QUEUE-1];
  reg queue_write [0:QUEUE-1];
  reg [2:0] head, tail;
  reg [3:0] bursts;
  // A write's response comes LATENCY cycles after its last beat.
  reg [LATENCY-1:0] responses;
  reg [31:0] late_responses;
  reg stalled;
  integer seed;
  integer protocol_errors;

  function chance(input dummy);
    chance = dummy | (($random(seed) & 3) != 0);
  endfunction

  always @(posedge clock) begin
    tick <= tick + 1;
    // What moved in the cycle that ends.
    responses = responses << 1;
    if (m_axi_wvalid && m_axi_wready) begin
      memory[queue_beat[head]] = m_axi_wdata;
      queue_beat[head] = queue_beat[head] + 1;
      queue_left[head] = queue_left[head] - 1;
      if (m_axi_wlast != (queue_left[head] == 0)) protocol_errors = protocol_errors + 1;
      if (queue_left[head] == 0) begin
        head = head + 1;
        bursts = bursts - 1;
        responses[0] = 1;
      end
    end
    if (m_axi_rvalid && m_axi_rready) begin
      queue_beat[head] = queue_beat[head] + 1;
      queue_left[head] = queue_left[head] - 1;
      if (queue_left[head] == 0) begin
        head = head + 1;
        bursts = bursts - 1;
      end
    end
    if (m_axi_arvalid && m_axi_arready && m_axi_awvalid && m_axi_awready) protocol_errors = protocol_errors + 1;
    if ((m_axi_arvalid && m_axi_arready) || (m_axi_awvalid && m_axi_awready)) begin
      queue_write[tail] = m_axi_awvalid;
      queue_beat[tail] = (m_axi_awvalid ? m_axi_awaddr : m_axi_araddr) / BUS_BYTES;
      queue_left[tail] = {1'b0, m_axi_awvalid ? m_axi_awlen : m_axi_arlen} + 1;
      queue_due[tail] = tick + LATENCY;
      tail = tail + 1;
      bursts = bursts + 1;
      if (bursts > 4) protocol_errors = protocol_errors + 1;
    end
    // What may move in the next.
    m_axi_rvalid <= 0;
    m_axi_rlast <= 0;
    m_axi_wready <= 0;
    if (stalled && m_axi_rvalid && !m_axi_rready) m_axi_rvalid <= 1;
    else if (bursts != 0 && tick + 1 >= queue_due[head] && chance(!stalled)) begin
      m_axi_rvalid <= !queue_write[head];
      m_axi_wready <= queue_write[head];
      m_axi_rlast <= !queue_write[head] && queue_left[head] == 1;
      m_axi_rdata <= memory[queue_beat[head]];
    end
    if (stalled) begin
      late_responses = late_responses + {31'b0, responses[LATENCY-1]};
      if (late_responses != 0 && chance(0)) begin
        late_responses = late_responses - 1;
        m_axi_bvalid <= 1;
      end else m_axi_bvalid <= 0;
    end else m_axi_bvalid <= responses[LATENCY-1];
    m_axi_arready <= chance(!stalled);
    m_axi_awready <= chance(!stalled);
  end

  // ---- trace ----
  reg [63:0] cycle;
  wire [63:0] now = trace_go ? 64'd0 : cycle;
  reg finished;
  reg [63:0] cycles;
  integer trace_file;
  integer unit;
  always @(posedge clock) begin
    cycle <= now + 1;
    for (unit = 0; unit < 4; unit = unit + 1) begin
      if (trace_file != 0 && trace_ended[unit]) $fwrite(trace_file, "e %0d %0d\n", unit, now);
      if (trace_file != 0 && trace_started[unit]) $fwrite(trace_file, "s %0d %0d\n", unit, now);
    end
    if (trace_finished) begin
      finished <= 1;
      cycles <= now + 1;
    end
  end

  // ---- control: driven at falling edges, sampled at rising ones ----
  reg address_taken, data_taken;
  task write(input [11:0] address, input [31:0] data);
    begin
      @(negedge clock);
      s_axi_awaddr = address;
      s_axi_wdata = data;
      s_axi_awvalid = 1;
      s_axi_wvalid = 1;
      address_taken = 0;
      data_taken = 0;
      while (!address_taken || !data_taken) begin
        @(posedge clock);
        if (s_axi_awvalid && s_axi_awready) address_taken = 1;
        if (s_axi_wvalid && s_axi_wready) data_taken = 1;
        @(negedge clock);
        if (address_taken) s_axi_awvalid = 0;
        if (data_taken) s_axi_wvalid = 0;
      end
      @(posedge clock);
      while (!s_axi_bvalid) @(posedge clock);
    end
  endtask

  task read(input [11:0] address, output [31:0] data);
    begin
      @(negedge clock);
      s_axi_araddr = address;
      s_axi_arvalid = 1;
      @(posedge clock);
      while (!s_axi_arready) @(posedge clock);
      @(negedge clock);
      s_axi_arvalid = 0;
      @(posedge clock);
      while (!s_axi_rvalid) @(posedge clock);
      data = s_axi_rdata;
    end
  endtask

  // ---- the run ----
  // Address and words of the program, cycles, then the counters as the register map orders them.
  reg [63:0] run [0:COUNTERS+2];
  reg [BUS_BITS-1:0] expected [0:MEMORY_BEATS-1];
  reg [8*1024-1:0] memory_path, expected_path, run_path, path;
  reg [63:0] limit;
  reg [31:0] low, high;
  integer index, errors;
  // Apart from the run: Verilator 5.006 keeps what a process both clears and reads for itself.
  initial begin
    s_axi_awvalid = 0; s_axi_wvalid = 0; s_axi_bready = 1; s_axi_arvalid = 0; s_axi_rready = 1;
    s_axi_awaddr = 0; s_axi_araddr = 0; s_axi_wdata = 0;
    m_axi_arready = 0; m_axi_awready = 0; m_axi_rvalid = 0; m_axi_rlast = 0; m_axi_wready = 0; m_axi_bvalid = 0;
    m_axi_rdata = 0;
    tick = 0; head = 0; tail = 0; bursts = 0; responses = 0; late_responses = 0; protocol_errors = 0;
    cycle = 0; finished = 0; cycles = 0; trace_file = 0; errors = 0; low = 0; high = 0;
    stalled = 0;
    seed = 1;
  end
  initial begin
    #1;
    if ($value$plusargs("stall=%d", seed)) stalled = 1;
    memory_path = "vectors/memory.hex";
    expected_path = "vectors/expected.hex";
    run_path = "vectors/run.hex";
    limit = 0;
    if ($value$plusargs("memory=%s", path)) memory_path = path;
    if ($value$plusargs("expected=%s", path)) expected_path = path;
    if ($value$plusargs("run=%s", path)) run_path = path;
    if ($value$plusargs("trace=%s", path)) trace_file = $fopen(path, "w");
    if ($value$plusargs("limit=%d", low)) limit = {32'b0, low};
    if ($value$plusargs("vcd=%s", path)) begin
      $dumpfile(path);
      $dumpvars(0, testbench);
    end
    for (index = 0; index < MEMORY_BEATS; index = index + 1) begin
      memory[index] = 0;
      expected[index] = 0;
    end
    $readmemh(memory_path, memory);
    if (expected_path != "none") $readmemh(expected_path, expected);
    $readmemh(run_path, run);
    // A run that takes this much longer will not end.
    if (limit == 0) limit = run[2] == 0 ? 64'hffff_ffff_ffff : run[2] * (stalled ? 40 : 2) + 10000;

    reset = 1;
    repeat (4) @(negedge clock);
    reset = 0;
    write({{command_address}}, run[0][31:0]);
    write({{command_words}}, run[1][31:0]);
    write({{control}}, 1);
    while (!finished && cycle < limit) @(posedge clock);
    if (!finished) begin
      $display("FAIL: not finished after %0d cycles", limit);
      errors = errors + 1;
    end

    $display("cycles %0d", cycles);
    if (protocol_errors != 0) begin
      $display("FAIL: %0d breaches of the bus protocol", protocol_errors);
      errors = errors + 1;
    end
    for (index = 0; index < COUNTERS; index = index + 1) begin
      read({{counters}} + index * 8, low);
      read({{counters}} + index * 8 + 4, high);
      $display("counter %0d %0d", index, {high, low});
      if (!stalled && expected_path != "none" && {high, low} !== run[3 + index]) begin
        $display("FAIL: counter %0d is %0d, expected %0d", index, {high, low}, run[3 + index]);
        errors = errors + 1;
      end
    end
    if (!stalled && expected_path != "none" && cycles !== run[2]) begin
      $display("FAIL: %0d cycles, expected %0d", cycles, run[2]);
      errors = errors + 1;
    end
    read({{status}}, low);
    if (low[2]) begin
      $display("FAIL: the accelerator reports an error");
      errors = errors + 1;
    end
    if (expected_path != "none")
      for (index = 0; index < MEMORY_BEATS; index = index + 1)
        if (memory[index] !== expected[index]) begin
          errors = errors + 1;
          if (errors < 10)
            $display("FAIL: memory at %h is %h, expected %h", index * BUS_BYTES, memory[index], expected[index]);
        end
    if ($value$plusargs("dump=%s", path)) $writememh(path, memory);
    if (trace_file != 0) $fclose(trace_file);
    if (errors == 0) $display("PASS");
    else $display("FAILED with %0d errors", errors);
    $finish;
  end
endmodule
