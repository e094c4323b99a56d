// External memory behind AXI4, for the bench: the memory of the cycle contract, or slaves that take
// addresses and data in other orders. The bench sets `kind` and what goes wrong.
//
//   kind 0  the cycle contract's: bursts one after the other, in the order of their addresses
//   kind 1  a write's address is taken only together with its first data
//   kind 2  a write's address is taken only after all its data
//   kind 3  nothing is taken before it has waited for some cycles
//   kind 4  everything is taken at once, data before its address too
//   kind 5  everything is taken now and then
//   kind 6  a write's data is taken only after its address
//
// Beats beyond the memory answer DECERR.
`timescale 1ns / 1ps

module external_memory #(parameter BUS_BITS = 64, parameter LATENCY = 40, parameter BEATS = 2) (
  input wire clock,
  // Everything on its way is forgotten.
  input wire flush,
  // The accelerator is in reset: what it showed may vanish.
  input wire master_resets,
  input wire arvalid, output reg arready, input wire [31:0] araddr, input wire [7:0] arlen,
  input wire [2:0] arsize, input wire [1:0] arburst,
  output reg rvalid, input wire rready, output reg [BUS_BITS-1:0] rdata, output reg rlast, output reg [1:0] rresp,
  input wire awvalid, output reg awready, input wire [31:0] awaddr, input wire [7:0] awlen,
  input wire [2:0] awsize, input wire [1:0] awburst,
  input wire wvalid, output reg wready, input wire [BUS_BITS-1:0] wdata, input wire [BUS_BITS/8-1:0] wstrb,
  input wire wlast,
  output reg bvalid, input wire bready, output reg [1:0] bresp
);
  localparam BUS_BYTES = BUS_BITS / 8;
  localparam QUEUE = 8;
  localparam DATA = 1024;
  localparam ANSWERS = 128;

  reg [BUS_BITS-1:0] words [0:BEATS-1];

  // ---- what the bench sets ----
  reg [31:0] kind;
  reg stalled;
  integer seed;
  reg [31:0] noise;
  // This read beat and this write response, counted from 1, answer `fault`.
  reg [31:0] fault_read, fault_write;
  reg [1:0] fault;
  // Read beats from this one on, counted from 1, are random; 0: none.
  reg [31:0] scramble;

  // ---- what the bench reads ----
  integer protocol_errors;
  // Read beats and write responses so far.
  reg [31:0] reads, answers;
  // Bursts taken and not answered.
  wire busy = bursts != 0 || read_count != 0 || write_count != 0 || data_count != 0 || answer_head != answer_tail;

  // ---- kind 0: one queue. A burst's first beat is LATENCY cycles after its address at the earliest. ----
  reg [63:0] tick;
  reg [63:0] queue_due [0:QUEUE-1];
  reg [31:0] queue_beat [0:QUEUE-1];
  reg [8:0] queue_left [0:QUEUE-1];
  reg queue_write [0:QUEUE-1];
  reg [2:0] head, tail;
  reg [3:0] bursts;
  // A write's response comes LATENCY cycles after its last beat.
  reg [LATENCY-1:0] responses;
  reg [31:0] late_responses;

  // ---- other kinds: a queue of reads, one of writes, one of data ----
  reg [31:0] read_beat [0:QUEUE-1];
  reg [8:0] read_left [0:QUEUE-1];
  reg [2:0] read_head, read_tail;
  reg [3:0] read_count;
  reg [31:0] write_beat [0:QUEUE-1];
  reg [8:0] write_left [0:QUEUE-1];
  reg [2:0] write_head, write_tail;
  reg [3:0] write_count;
  reg [BUS_BITS-1:0] data_word [0:DATA-1];
  reg data_last [0:DATA-1];
  reg [9:0] data_head, data_tail;
  reg [10:0] data_count;
  // Writes whose address was taken, and whose last data was.
  reg [31:0] addresses, lasts;
  reg [2:0] read_waits, address_waits, data_waits;

  // ---- answers to writes, in order ----
  reg [1:0] answer [0:ANSWERS-1];
  reg [6:0] answer_head, answer_tail;
  reg beyond;

  // ---- what was shown and not taken stays ----
  reg held_ar, held_aw, held_w;
  reg [39:0] last_ar, last_aw;
  reg [BUS_BITS:0] last_w;

  function chance(input dummy);
    chance = dummy | (($random(seed) & 3) != 0);
  endfunction

  function [1:0] read_answer(input [31:0] beat, input [31:0] number);
    read_answer = number == fault_read ? fault : beat >= BEATS ? 2'd3 : 2'd0;
  endfunction

  // Whether a burst is what AXI and the manual allow.
  function legal(input [31:0] address, input [7:0] length, input [2:0] size, input [1:0] burst);
    legal = address % BUS_BYTES == 0 && {20'b0, address[11:0]} + (length + 1) * BUS_BYTES <= 4096
      && (1 << size) == BUS_BYTES && burst == 1;
  endfunction

  task store(input [31:0] beat, input [BUS_BITS-1:0] word, input last);
    begin
      if (beat < BEATS) words[beat] = word;
      else beyond = 1;
      if (last) begin
        answers = answers + 1;
        answer[answer_tail] = answers == fault_write ? fault : beyond ? 2'd3 : 2'd0;
        answer_tail = answer_tail + 1;
        beyond = 0;
      end
    end
  endtask

  // The next beat of the burst that is read.
  task fetch(input [31:0] beat, input last);
    begin
      reads = reads + 1;
      rlast <= last;
      rresp <= read_answer(beat, reads);
      noise = $random(seed);
      if (scramble != 0 && reads >= scramble) rdata <= {(BUS_BITS / 32) {noise}};
      else if (beat < BEATS) rdata <= words[beat];
      else rdata <= 0;
    end
  endtask

  task answer_write;
    begin
      bvalid <= 1;
      bresp <= answer[answer_head];
      answer_head = answer_head + 1;
    end
  endtask

  task check;
    begin
      if (held_ar && !(arvalid && last_ar == {araddr, arlen})) protocol_errors = protocol_errors + 1;
      if (held_aw && !(awvalid && last_aw == {awaddr, awlen})) protocol_errors = protocol_errors + 1;
      if (held_w && !(wvalid && last_w == {wlast, wdata})) protocol_errors = protocol_errors + 1;
      if (arvalid && !legal(araddr, arlen, arsize, arburst)) protocol_errors = protocol_errors + 1;
      if (awvalid && !legal(awaddr, awlen, awsize, awburst)) protocol_errors = protocol_errors + 1;
      if (wvalid && !(&wstrb)) protocol_errors = protocol_errors + 1;
      held_ar = arvalid && !arready && !master_resets;
      held_aw = awvalid && !awready && !master_resets;
      held_w = wvalid && !wready && !master_resets;
      last_ar = {araddr, arlen};
      last_aw = {awaddr, awlen};
      last_w = {wlast, wdata};
    end
  endtask

  task contract;
    begin
      // What moved in the cycle that ends.
      responses = responses << 1;
      if (wvalid && wready) begin
        queue_left[head] = queue_left[head] - 1;
        if (wlast != (queue_left[head] == 0)) protocol_errors = protocol_errors + 1;
        store(queue_beat[head], wdata, queue_left[head] == 0);
        queue_beat[head] = queue_beat[head] + 1;
        if (queue_left[head] == 0) begin
          head = head + 1;
          bursts = bursts - 1;
          responses[0] = 1;
        end
      end
      if (rvalid && rready) begin
        queue_beat[head] = queue_beat[head] + 1;
        queue_left[head] = queue_left[head] - 1;
        if (queue_left[head] == 0) begin
          head = head + 1;
          bursts = bursts - 1;
        end
      end
      if (arvalid && arready && awvalid && awready) protocol_errors = protocol_errors + 1;
      if ((arvalid && arready) || (awvalid && awready)) begin
        queue_write[tail] = awvalid;
        queue_beat[tail] = (awvalid ? awaddr : araddr) / BUS_BYTES;
        queue_left[tail] = {1'b0, awvalid ? awlen : arlen} + 1;
        queue_due[tail] = tick + LATENCY;
        tail = tail + 1;
        bursts = bursts + 1;
        if (bursts > 4) protocol_errors = protocol_errors + 1;
      end
      // What may move in the next.
      rvalid <= 0;
      wready <= 0;
      if (stalled && rvalid && !rready) rvalid <= 1;
      else if (bursts != 0 && tick + 1 >= queue_due[head] && chance(!stalled)) begin
        rvalid <= !queue_write[head];
        wready <= queue_write[head];
        if (!queue_write[head]) fetch(queue_beat[head], queue_left[head] == 1);
      end
      bvalid <= 0;
      if (stalled) begin
        late_responses = late_responses + {31'b0, responses[LATENCY-1]};
        if (late_responses != 0 && chance(0)) begin
          late_responses = late_responses - 1;
          answer_write;
        end
      end else if (responses[LATENCY-1]) answer_write;
      arready <= chance(!stalled);
      awready <= chance(!stalled);
    end
  endtask

  // An address and its first data have both been shown, and there is room for them.
  wire together = address_waits != 0 && data_waits != 0 && write_count < QUEUE - 1 && data_count < DATA - 1;

  task other_kinds;
    begin
      // What moved in the cycle that ends.
      if (awvalid && awready) begin
        write_beat[write_tail] = awaddr / BUS_BYTES;
        write_left[write_tail] = {1'b0, awlen} + 1;
        write_tail = write_tail + 1;
        write_count = write_count + 1;
        addresses = addresses + 1;
        if (kind == 1 && !(wvalid && wready)) protocol_errors = protocol_errors + 1;
      end
      if (wvalid && wready) begin
        data_word[data_tail] = wdata;
        data_last[data_tail] = wlast;
        data_tail = data_tail + 1;
        data_count = data_count + 1;
        if (wlast) lasts = lasts + 1;
      end
      if (arvalid && arready) begin
        read_beat[read_tail] = araddr / BUS_BYTES;
        read_left[read_tail] = {1'b0, arlen} + 1;
        read_tail = read_tail + 1;
        read_count = read_count + 1;
      end
      // One beat to memory.
      if (write_count != 0 && data_count != 0 && chance(0)) begin
        write_left[write_head] = write_left[write_head] - 1;
        if (data_last[data_head] != (write_left[write_head] == 0)) protocol_errors = protocol_errors + 1;
        store(write_beat[write_head], data_word[data_head], write_left[write_head] == 0);
        write_beat[write_head] = write_beat[write_head] + 1;
        data_head = data_head + 1;
        data_count = data_count - 1;
        if (write_left[write_head] == 0) begin
          write_head = write_head + 1;
          write_count = write_count - 1;
        end
      end
      // What may move in the next cycle.
      if (!(rvalid && !rready)) begin
        rvalid <= 0;
        if (read_count != 0 && chance(0)) begin
          rvalid <= 1;
          fetch(read_beat[read_head], read_left[read_head] == 1);
          read_beat[read_head] = read_beat[read_head] + 1;
          read_left[read_head] = read_left[read_head] - 1;
          if (read_left[read_head] == 0) begin
            read_head = read_head + 1;
            read_count = read_count - 1;
          end
        end
      end
      if (!(bvalid && !bready)) begin
        bvalid <= 0;
        if (answer_head != answer_tail && chance(0)) answer_write;
      end
      read_waits = arvalid && !arready ? read_waits + {2'b0, read_waits != 7} : 0;
      address_waits = awvalid && !awready ? address_waits + {2'b0, address_waits != 7} : 0;
      data_waits = wvalid && !wready ? data_waits + {2'b0, data_waits != 7} : 0;
      arready <= read_count < QUEUE - 1 && (kind == 3 ? read_waits == 7 : chance(kind == 4));
      awready <= write_count < QUEUE - 1 && chance(kind == 4);
      wready <= data_count < DATA - 1 && chance(kind == 4);
      case (kind)
        1: begin
          awready <= addresses == lasts && together;
          if (addresses == lasts) wready <= together;
        end
        2: if (addresses == lasts) awready <= 0;
        3: begin
          awready <= write_count < QUEUE - 1 && address_waits == 7;
          wready <= data_count < DATA - 1 && data_waits == 7;
        end
        6: if (addresses == lasts) wready <= 0;
        default: ;
      endcase
    end
  endtask

  initial begin
    kind = 0; stalled = 0; seed = 1; fault_read = 0; fault_write = 0; fault = 0; scramble = 0;
    protocol_errors = 0; reads = 0; answers = 0; tick = 0; beyond = 0;
    clear;
  end

  task clear;
    begin
      head = 0; tail = 0; bursts = 0; responses = 0; late_responses = 0;
      read_head = 0; read_tail = 0; read_count = 0; write_head = 0; write_tail = 0; write_count = 0;
      data_head = 0; data_tail = 0; data_count = 0; addresses = 0; lasts = 0;
      read_waits = 0; address_waits = 0; data_waits = 0; answer_head = 0; answer_tail = 0;
      held_ar = 0; held_aw = 0; held_w = 0; last_ar = 0; last_aw = 0; last_w = 0;
      arready <= 0; awready <= 0; wready <= 0; rvalid <= 0; bvalid <= 0;
      rlast <= 0; rresp <= 0; bresp <= 0; rdata <= 0;
    end
  endtask

  always @(posedge clock) begin
    tick <= tick + 1;
    check;
    if (flush) clear;
    else if (kind == 0) contract;
    else other_kinds;
  end
endmodule
