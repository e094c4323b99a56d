// Every product of 8-bit operands against `*`; every shift against the definition of rounding and against
// vectors of the contract.
`timescale 1ns/1ps
module bench;
  reg clock;
  reg [7:0] a;
  reg is_signed;
  reg signed [7:0] w;
  wire signed [31:0] sum;
  pe_fixed8_v1_acc32 element (.clock(clock), .reset(1'b0), .a_0(a), .w_0(w), .mode(is_signed), .flags(3'b111),
    .a_out_0(), .w_out_0(), .mode_out(), .flags_out(), .sum(sum));

  reg signed [33:0] x;
  reg [15:0] mantissa;
  reg [5:0] shift;
  wire signed [17:0] y;
  requantizer scale (.clock(clock), .reset(1'b0), .x(x), .mantissa(mantissa), .shift(shift), .valid(1'b1),
    .y(y), .valid_out());

  reg [73:0] rows [0:{rows}-1];
  reg [15:0] mantissas [0:{mantissas}-1];
  reg signed [63:0] exact;
  reg signed [17:0] wanted;
  integer sign, i, j, m, s, products, roundings, vectors, errors;

  task tick;
    begin
      #1 clock = 1;
      #1 clock = 0;
    end
  endtask

  // The result is there three edges after the operands.
  task scaled;
    begin
      tick; tick; tick;
      if (y !== wanted) begin
        errors = errors + 1;
        if (errors < 9) $display("%0d * %0d >> %0d: %0d, expected %0d", x, mantissa, shift, y, wanted);
      end
    end
  endtask

  initial begin
    clock = 0; products = 0; roundings = 0; vectors = 0; errors = 0;
    a = 0; w = 0; x = 0; mantissa = 0; shift = 1;
    // {set}
    $readmemh("vectors.txt", rows);
    #1;
    for (sign = 0; sign < 2; sign = sign + 1)
      for (i = 0; i < 256; i = i + 1)
        for (j = -128; j < 128; j = j + 1) begin
          m = i - 128 * sign;
          a = m[7:0];
          is_signed = sign[0];
          w = j[7:0];
          tick; tick; tick;
          products = products + 1;
          if (sum !== m * j) begin
            errors = errors + 1;
            if (errors < 9) $display("%0d * %0d: %0d", m, j, sum);
          end
        end
    for (s = 1; s <= 47; s = s + 1)
      for (m = 0; m < {mantissas}; m = m + 1)
        for (i = -512; i < 512; i = i + 1) begin
          x = i;
          mantissa = mantissas[m];
          shift = s[5:0];
          exact = (i * $signed({48'd0, mantissas[m]}) + (64'sd1 <<< (s - 1))) >>> s;
          wanted = exact > 131071 ? 131071 : exact < -131072 ? -131072 : exact[17:0];
          roundings = roundings + 1;
          scaled;
        end
    for (i = 0; i < {rows}; i = i + 1) begin
      {x, mantissa, shift, wanted} = rows[i];
      vectors = vectors + 1;
      scaled;
    end
    if (errors == 0) $display("PASS %0d products, %0d roundings, %0d vectors", products, roundings, vectors);
    else $display("FAIL %0d differences", errors);
    $finish;
  end
endmodule
