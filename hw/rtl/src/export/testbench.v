// Self-checking bench of the accelerator: control over AXI4-Lite, a memory behind AXI4 (memory.v), and a
// comparison of memory, cycles and counters with what the simulator found.
//
// Plus arguments (all optional):
//   +memory=FILE    external memory before the run       (vectors/memory.hex)
//   +expected=FILE  external memory after the run        (vectors/expected.hex; "none": no comparison)
//   +run=FILE       program address, words, cycles, counters (vectors/run.hex)
//   +trace=FILE     writes start and end cycle of every command
//   +dump=FILE      writes external memory after the run
//   +stall=SEED     random stalls on every channel: bits are compared, cycles are not
//   +slave=KIND     another order of addresses and data, 1 to 6 (memory.v); cycles are not compared
//   +before=CASE    before the run another one that ends badly, 1 to 15 (task `before_the_run`)
//   +at=N           when that happens: a cycle, a read beat, a write response (1)
//   +limit=CYCLES   gives up after so many cycles      (twice those expected)
//   +vcd=FILE       writes waveforms
`timescale 1ns / 1ps

module testbench;
  // {{parameters}}
  localparam BUS_BYTES = BUS_BITS / 8;
  localparam COUNTERS = 32;

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
  wire m_axi_arready, m_axi_awready, m_axi_rvalid, m_axi_rlast, m_axi_wready, m_axi_bvalid;
  wire [1:0] m_axi_rresp, m_axi_bresp;
  wire [BUS_BITS-1:0] m_axi_rdata;

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
    .m_axi_rresp(m_axi_rresp), .m_axi_bresp(m_axi_bresp),
    .m_axi_awvalid(m_axi_awvalid), .m_axi_awready(m_axi_awready), .m_axi_awaddr(m_axi_awaddr),
    .m_axi_awlen(m_axi_awlen), .m_axi_awsize(m_axi_awsize), .m_axi_awburst(m_axi_awburst),
    .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(m_axi_wready), .m_axi_wdata(m_axi_wdata),
    .m_axi_wstrb(m_axi_wstrb), .m_axi_wlast(m_axi_wlast),
    .m_axi_bvalid(m_axi_bvalid), .m_axi_bready(m_axi_bready),
    .trace_go(trace_go), .trace_finished(trace_finished),
    .trace_started(trace_started), .trace_ended(trace_ended)
  );

  // ---- external memory ----
  reg flush;
  external_memory #(.BUS_BITS(BUS_BITS), .LATENCY(LATENCY), .BEATS(MEMORY_BEATS)) external (
    .clock(clock), .flush(flush), .master_resets(reset),
    .arvalid(m_axi_arvalid), .arready(m_axi_arready), .araddr(m_axi_araddr),
    .arlen(m_axi_arlen), .arsize(m_axi_arsize), .arburst(m_axi_arburst),
    .rvalid(m_axi_rvalid), .rready(m_axi_rready), .rdata(m_axi_rdata), .rlast(m_axi_rlast), .rresp(m_axi_rresp),
    .awvalid(m_axi_awvalid), .awready(m_axi_awready), .awaddr(m_axi_awaddr),
    .awlen(m_axi_awlen), .awsize(m_axi_awsize), .awburst(m_axi_awburst),
    .wvalid(m_axi_wvalid), .wready(m_axi_wready), .wdata(m_axi_wdata), .wstrb(m_axi_wstrb), .wlast(m_axi_wlast),
    .bvalid(m_axi_bvalid), .bready(m_axi_bready), .bresp(m_axi_bresp)
  );

  // ---- trace ----
  reg [63:0] cycle;
  wire [63:0] now = trace_go ? 64'd0 : cycle;
  reg [63:0] cycles;
  integer trace_file;
  integer unit;
  always @(posedge clock) begin
    cycle <= now + 1;
    for (unit = 0; unit < 4; unit = unit + 1) begin
      if (trace_file != 0 && trace_ended[unit]) $fwrite(trace_file, "e %0d %0d\n", unit, now);
      if (trace_file != 0 && trace_started[unit]) $fwrite(trace_file, "s %0d %0d\n", unit, now);
    end
    if (trace_finished) cycles <= now + 1;
  end

`ifdef BITGAUGE_ACCESSES
  // ---- accesses at the memories' ports, the bus and the array: bytes and bits of this run ----
  // {{accesses}}
`endif

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

  // ---- runs ----
  // Address and words of the program, cycles, then the counters as the register map orders them.
  reg [63:0] run [0:COUNTERS+2];
  reg [BUS_BITS-1:0] expected [0:MEMORY_BEATS-1];
  reg [8*1024-1:0] memory_path, expected_path, run_path, path;
  reg [63:0] limit;
  reg [31:0] low, high, status, prelude, at;
  integer index, errors;
  reg exact;

  task fill_memory;
    begin
      for (index = 0; index < MEMORY_BEATS; index = index + 1) external.words[index] = 0;
      $readmemh(memory_path, external.words);
    end
  endtask

  task start(input [31:0] address, input [31:0] words);
    begin
      external.reads = 0;
      external.answers = 0;
      write({{command_address}}, address);
      write({{command_words}}, words);
      write({{control}}, {{start}});
      // Now `cycle` is one of this run.
      @(negedge clock);
      status = {{running}};
    end
  endtask

  // Waits for the end of the run; `cycle` counts from its cycle 0.
  task wait_for_end;
    begin
      while ((status & {{running}}) != 0 && cycle < limit) read({{status}}, status);
      if ((status & {{running}}) != 0) begin
        $display("FAIL: not finished after %0d cycles", limit);
        errors = errors + 1;
      end else if (external.busy) begin
        $display("FAIL: the run is over, and bursts are not");
        errors = errors + 1;
      end
    end
  endtask

  task wait_for_cycle;
    while (cycle < {32'b0, at}) @(posedge clock);
  endtask

  task pulse_reset;
    begin
      @(negedge clock);
      reset = 1;
      repeat (4) @(negedge clock);
      reset = 0;
    end
  endtask

  // Whether a run ended for one of these causes, and left nothing on its way.
  task ended_for(input [31:0] causes);
    begin
      wait_for_end;
      if ((status & {{done}}) != 0 || (status & {{error}}) == 0 || (status & causes) == 0) begin
        $display("FAIL: status %h after case %0d", status, prelude);
        errors = errors + 1;
      end
    end
  endtask

  // A run that ends badly, then memory as it was: the run after it must not notice.
  task before_the_run;
    begin
      external.fault = prelude == 8 || prelude == 10 ? 3 : 2;
      if (prelude == 7 || prelude == 8) external.fault_read = at;
      if (prelude == 9 || prelude == 10) external.fault_write = at;
      if (prelude == 1) external.scramble = at;
      // The first word is all ones in its header.
      if (prelude == 15) external.words[(run[0][31:0] + 12) / BUS_BYTES] = {BUS_BITS {1'b1}};
      if (prelude == 1) write({{watchdog}}, run[2] == 0 ? 32'd100000 : 4 * run[2][31:0] + 10000);
      if (prelude == 4) write({{watchdog}}, at);
      case (prelude)
        2: start(run[0][31:0], run[1][31:0] - 1);
        11: start(run[0][31:0], run[1][31:0] + 40);
        12: start(run[0][31:0] + 1, run[1][31:0]);
        13: start(MEMORY_BEATS * BUS_BYTES, run[1][31:0]);
        14: start(run[0][31:0], 0);
        default: start(run[0][31:0], run[1][31:0]);
      endcase
      if (prelude == 3 || prelude == 5 || prelude == 6) wait_for_cycle;
      if (prelude == 3 || prelude == 5) write({{control}}, {{abort}});
      case (prelude)
        1: ended_for({{any_cause}});
        2, 14: ended_for({{no_end}});
        3, 5: ended_for({{aborted}});
        4: ended_for({{timeout}});
        6: begin
          // A reset of the accelerator in the middle of bursts has to reset the bus too.
          flush = 1;
          pulse_reset;
          flush = 0;
        end
        7, 9: ended_for({{slave_error}});
        8, 10, 13: ended_for({{decode_error}});
        11: begin
          wait_for_end;
          if (status != {{done}}) begin
            $display("FAIL: status %h with words behind `end`", status);
            errors = errors + 1;
          end
        end
        12: ended_for({{misaligned}});
        15: ended_for({{bad_command}});
        default: begin
          $display("FAIL: no case %0d", prelude);
          errors = errors + 1;
        end
      endcase
      // After an abort the accelerator alone may be reset.
      if (prelude == 5) pulse_reset;
      external.fault_read = 0;
      external.fault_write = 0;
      external.scramble = 0;
      write({{watchdog}}, 0);
      fill_memory;
    end
  endtask

  // Apart from the run: Verilator 5.006 keeps what a process both clears and reads for itself.
  initial begin
    s_axi_awvalid = 0; s_axi_wvalid = 0; s_axi_bready = 1; s_axi_arvalid = 0; s_axi_rready = 1;
    s_axi_awaddr = 0; s_axi_araddr = 0; s_axi_wdata = 0; flush = 0;
    cycle = 0; cycles = 0; trace_file = 0; errors = 0; low = 0; high = 0; status = 0;
  end
  initial begin
    #1;
    exact = 1;
    prelude = 0;
    at = 1;
    if ($value$plusargs("stall=%d", external.seed)) begin
      external.stalled = 1;
      exact = 0;
    end
    if ($value$plusargs("slave=%d", external.kind)) exact = 0;
    if ($value$plusargs("before=%d", prelude)) ;
    if ($value$plusargs("at=%d", at)) ;
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
    fill_memory;
    for (index = 0; index < MEMORY_BEATS; index = index + 1) expected[index] = 0;
    if (expected_path != "none") $readmemh(expected_path, expected);
    $readmemh(run_path, run);
    // A run that takes this much longer will not end.
    if (limit == 0) limit = run[2] == 0 ? 64'hffff_ffff_ffff : run[2] * (exact ? 2 : 40) + 10000;

    pulse_reset;
    if (prelude != 0) before_the_run;
    start(run[0][31:0], run[1][31:0]);
    wait_for_end;

    $display("cycles %0d", cycles);
    if (external.protocol_errors != 0) begin
      $display("FAIL: %0d breaches of the bus protocol", external.protocol_errors);
      errors = errors + 1;
    end
    for (index = 0; index < COUNTERS; index = index + 1) begin
      read({{counters}} + index * 8, low);
      read({{counters}} + index * 8 + 4, high);
      $display("counter %0d %0d", index, {high, low});
      if (exact && expected_path != "none" && {high, low} !== run[3 + index]) begin
        $display("FAIL: counter %0d is %0d, expected %0d", index, {high, low}, run[3 + index]);
        errors = errors + 1;
      end
    end
`ifdef BITGAUGE_ACCESSES
    for (index = 0; index < ACCESSES; index = index + 1) $display("access %0d %0d", index, accesses[index]);
`endif
    if (exact && expected_path != "none" && cycles !== run[2]) begin
      $display("FAIL: %0d cycles, expected %0d", cycles, run[2]);
      errors = errors + 1;
    end
    if ((status & {{error}}) != 0) begin
      $display("FAIL: the accelerator reports an error, status %h", status);
      errors = errors + 1;
    end
    if (expected_path != "none")
      for (index = 0; index < MEMORY_BEATS; index = index + 1)
        if (external.words[index] !== expected[index]) begin
          errors = errors + 1;
          if (errors < 10)
            $display("FAIL: memory at %h is %h, expected %h", index * BUS_BYTES, external.words[index], expected[index]);
        end
    if ($value$plusargs("dump=%s", path)) $writememh(path, external.words);
    if (trace_file != 0) $fclose(trace_file);
    if (errors != 0) begin
      $display("FAILED with %0d errors", errors);
      $fatal;
    end
    $display("PASS");
    $finish;
  end
endmodule
