//! Vectors from the Rust model to a self-checking bench in plain Verilog, the same for every simulator.

use crate::value::{Value, cut};
use crate::verilog::{Design, Port, literal_value};
use rust_hdl::prelude::{Atom, Block, Clock, In, Probe, Signal, simulate};
use std::fmt::Write as _;

/// Rows of port values, one a clock cycle, and the bench that plays and checks them.
#[derive(Clone, Debug)]
pub struct Bench {
    top: String,
    reset: bool,
    clock: bool,
    /// Inputs first, then outputs; without the clock.
    ports: Vec<Port>,
    setup: String,
    rows: Vec<Vec<Value>>,
    /// Signals of the model in the order of a visit, and the port of each that is one: names take longer to compare
    /// than values.
    signals: Vec<(String, Option<usize>)>,
}

/// The files of a bench.
#[derive(Clone, Debug)]
pub struct BenchFiles {
    /// The bench; its module is `bench`.
    pub text: String,
    /// What it reads with `$readmemb`.
    pub vectors: String,
}

/// The name under which the bench expects its vectors in the working directory.
pub const VECTOR_FILE: &str = "vectors.txt";

impl Bench {
    /// A bench without rows. The clock is the port `clock`, if there is one.
    #[must_use]
    pub fn new(design: &Design) -> Bench {
        let (inputs, outputs): (Vec<_>, Vec<_>) =
            design.ports.iter().filter(|port| port.name != "clock").cloned().partition(|port| port.input);
        Bench {
            top: design.top.clone(),
            reset: design.reset_port,
            clock: design.ports.iter().any(|port| port.name == "clock"),
            ports: [inputs, outputs].concat(),
            setup: String::new(),
            rows: vec![],
            signals: vec![],
        }
    }

    /// A statement that the bench executes once at the start, to fill a memory for example.
    pub fn setup(&mut self, statement: &str) {
        let _ = writeln!(self.setup, "    {statement}");
    }

    /// Adds a row: values of the inputs, then of the outputs before the clock edge, in the order of the
    /// ports and without the clock.
    pub fn row(&mut self, values: Vec<Value>) {
        debug_assert_eq!(values.len(), self.ports.len());
        self.rows.push(values);
    }

    /// Adds the values at the ports of a settled model as a row.
    pub fn capture(&mut self, model: &dyn Block) {
        let row = vec![0; self.ports.len()];
        let mut capture = Capture { depth: 0, seen: 0, ports: &self.ports, signals: &mut self.signals, row };
        model.accept("top", &mut capture);
        let row = capture.row;
        self.row(row);
    }

    /// One clock cycle of a model: settles it with the inputs set before, captures a row, ticks. Returns
    /// whether the model settled.
    pub fn cycle<B: Block>(&mut self, model: &mut B, clock: fn(&mut B) -> &mut Signal<In, Clock>) -> bool {
        clock(model).next.clk = false;
        if !simulate(model, SETTLE) {
            return false;
        }
        self.capture(model);
        clock(model).next.clk = true;
        simulate(model, SETTLE)
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bench and vectors. The bench prints `PASS` or `FAIL`, with the first differences.
    #[must_use]
    pub fn files(&self) -> BenchFiles {
        let mut vectors = String::new();
        for row in &self.rows {
            for (port, value) in self.ports.iter().zip(row) {
                let _ =
                    write!(vectors, "{:0width$b}", cut(*value, port.ty.width, false), width = port.ty.width);
            }
            vectors.push('\n');
        }
        BenchFiles { text: self.text(), vectors }
    }

    fn text(&self) -> String {
        let mut text = String::from("`timescale 1ns/1ps\nmodule bench;\n  reg clock = 0, reset = 0;\n");
        let mut fields = vec![];
        for port in &self.ports {
            let range = format!("[{}:0]", port.ty.width - 1);
            if port.input {
                let _ = writeln!(text, "  reg {range} {};", port.name);
                fields.push(port.name.clone());
            } else {
                let _ = writeln!(text, "  wire {range} {0};\n  reg {range} expected_{0};", port.name);
                fields.push(format!("expected_{}", port.name));
            }
        }
        let names = self.ports.iter().map(|port| port.name.as_str());
        let special = [("clock", self.clock), ("reset", self.reset)];
        let names = special.into_iter().filter(|port| port.1).map(|port| port.0).chain(names);
        let connections: Vec<_> = names.map(|name| format!(".{name}({name})")).collect();
        let width: usize = self.ports.iter().map(|port| port.ty.width).sum();
        let count = self.rows.len();
        let _ = write!(
            text,
            "  {} dut ({});\n  reg [{}:0] rows [0:{}];\n  integer row, errors;\n  initial begin\n    errors = 0;\n\
             {}    $readmemb(\"{VECTOR_FILE}\", rows);\n    {{{fields}}} = rows[0];\n",
            self.top,
            connections.join(", "),
            width.max(1) - 1,
            count.max(1) - 1,
            self.setup,
            fields = fields.join(", "),
        );
        if self.reset {
            text += "    reset = 1; #5 clock = 1; #5 clock = 0; #5 reset = 0;\n";
        }
        let _ = writeln!(text, "    for (row = 0; row < {count}; row = row + 1) begin");
        let _ = writeln!(text, "      {{{}}} = rows[row]; #5;", fields.join(", "));
        for port in self.ports.iter().filter(|port| !port.input) {
            let _ = writeln!(
                text,
                "      if ({0} !== expected_{0}) begin\n        errors = errors + 1;\n        if (errors < 6) \
                 $display(\"row %0d: {0} = %h, expected %h\", row, {0}, expected_{0});\n      end",
                port.name
            );
        }
        let _ = write!(
            text,
            "      clock = 1; #5; clock = 0;\n    end\n    if (errors == 0) $display(\"PASS {count} rows\");\n    \
             else $display(\"FAIL %0d differences\", errors);\n    $finish;\n  end\nendmodule\n"
        );
        text
    }
}

/// After so many passes a model without loops has settled.
const SETTLE: usize = 1000;

/// Reads the ports of the outermost block into a row.
struct Capture<'a> {
    depth: usize,
    /// Signals that were visited.
    seen: usize,
    ports: &'a [Port],
    signals: &'a mut Vec<(String, Option<usize>)>,
    row: Vec<Value>,
}

impl Probe for Capture<'_> {
    fn visit_start_scope(&mut self, _: &str, _: &dyn Block) {
        self.depth += 1;
    }
    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
        self.depth -= 1;
    }
    fn visit_atom(&mut self, name: &str, atom: &dyn Atom) {
        if self.depth != 1 || !atom.kind().is_parameter() {
            return;
        }
        // Another model may come after this one: then the names are not those of the last visit.
        if self.signals.get(self.seen).is_none_or(|signal| signal.0 != name) {
            let legal = crate::verilog::legal_name(name);
            let port = self.ports.iter().position(|port| port.name == legal);
            self.signals.truncate(self.seen);
            self.signals.push((name.to_owned(), port));
        }
        if let Some(port) = self.signals[self.seen].1 {
            self.row[port] = literal_value(&atom.verilog()).unwrap_or(0);
        }
        self.seen += 1;
    }
}
