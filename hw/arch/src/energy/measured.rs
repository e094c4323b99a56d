//! Rows that were measured on gates: what a unit of a design takes, by the widths and the activity of its operands.
//!
//! `bitgauge calibrate-energy` writes them. A row belongs to a module, whose name says kind and sizes.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::Accelerator;
use crate::description::{Array, MacKind, Reset};
use crate::mac::Operands;

/// How much operands move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Activations and weights are zero.
    Zero,
    /// Activations are unsigned and every other one is zero, as behind a ReLU; weights are dense and signed.
    HalfZeroUnsigned,
    /// Activations and weights are signed, and few are zero.
    DenseSigned,
}

impl Activity {
    /// All, in the order of tables.
    pub const ALL: [Activity; 3] = [Activity::Zero, Activity::HalfZeroUnsigned, Activity::DenseSigned];

    /// Name in tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Activity::Zero => "zero",
            Activity::HalfZeroUnsigned => "half_zero_unsigned",
            Activity::DenseSigned => "dense_signed",
        }
    }

    /// The class that prices activations: signed ones are taken as dense, unsigned ones as half zero.
    #[must_use]
    pub fn of(signed: bool) -> Activity {
        if signed { Activity::DenseSigned } else { Activity::HalfZeroUnsigned }
    }
}

/// How a unit's figures were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The mapped netlist was simulated with operands.
    #[default]
    Simulated,
    /// Flip-flops times the energy of one in a cycle without data.
    FlipFlops,
}

/// A unit that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredUnit {
    /// Name of the module.
    pub module: String,
    /// How.
    #[serde(default)]
    pub method: Method,
    /// Library of cells.
    pub library: String,
    /// Process, voltage, temperature.
    pub corner: String,
    /// What mapped the unit.
    pub tools: String,
    /// The command that measured it.
    pub command: String,
    /// Area of the cells, um2, without wires between them.
    pub area_um2: f64,
    /// Flip-flops.
    pub flip_flops: u64,
    /// Longest time from a clock edge until nothing moves, nanoseconds.
    pub settle_ns: f64,
    /// Leakage, nanowatts: of no price, as it hangs on time.
    pub leakage_nanowatts: f64,
    /// Energy of a cycle in which nothing moves but the clock, picojoules.
    pub clock_picojoules: f64,
    /// Energy by widths and activity.
    #[serde(default)]
    pub rows: Vec<ModeRow>,
}

/// Energy beyond the clock's, of operands of some widths and activity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeRow {
    /// Bits of an activation; 8 for units that know none.
    pub activation_bits: u32,
    /// Bits of a weight; alike.
    pub weight_bits: u32,
    /// Whether activations have two scales.
    #[serde(default)]
    pub two_scaled: bool,
    /// How much they move.
    pub activity: Activity,
    /// Picojoules in a cycle of work.
    pub picojoules_per_beat: f64,
    /// Picojoules of a product: those of its share of cycles.
    pub picojoules_per_product: f64,
    /// Half of the distance between the least and the most of several seeds, over their mean.
    pub spread: f64,
}

/// Name of the module of an array's processing elements, as the Verilog has it without a hash. It says kind and sizes;
/// with an asynchronous reset, which has other gates, it says so too.
#[must_use]
pub fn element_module(accelerator: &Accelerator) -> String {
    let Array { operand_bits, lanes, slice_bits, accumulator_bits, tag_shift, .. } = &accelerator.array;
    let tag = if *tag_shift > 0 { format!("_t{tag_shift}") } else { String::new() };
    let name = match accelerator.array.mac {
        MacKind::Fixed => format!("pe_fixed{operand_bits}_v{lanes}{tag}_acc{accumulator_bits}"),
        MacKind::Fusible => format!("pe_fusible{tag}_acc{accumulator_bits}"),
        MacKind::Serial => format!("pe_serial_v{lanes}_s{slice_bits}{tag}_acc{accumulator_bits}"),
    };
    match accelerator.synthesis.reset {
        Reset::Sync => name,
        Reset::Async => name + "_async",
    }
}

impl ModeRow {
    /// Widths of the operands.
    #[must_use]
    pub fn operands(&self) -> Operands {
        let ModeRow { activation_bits, weight_bits, two_scaled, .. } = *self;
        Operands { activation_bits, weight_bits, two_scaled }
    }
}

impl MeasuredUnit {
    /// The row of such operands.
    #[must_use]
    pub fn row(&self, operands: Operands, activity: Activity) -> Option<&ModeRow> {
        self.rows.iter().find(|row| (row.operands(), row.activity) == (operands, activity))
    }

    /// What is wrong with it, if anything.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let named = [&self.module, &self.library, &self.corner, &self.tools, &self.command];
        let unit = [self.area_um2, self.settle_ns, self.leakage_nanowatts, self.clock_picojoules];
        let rows = self
            .rows
            .iter()
            .flat_map(|row| [row.picojoules_per_beat, row.picojoules_per_product, row.spread]);
        let key = |row: &ModeRow| (row.operands(), row.activity);
        let mut keys: Vec<_> = self.rows.iter().map(key).collect();
        keys.sort_unstable();
        match () {
            () if named.iter().any(|text| text.trim().is_empty()) => {
                Some("has an empty name, library, corner, tools or command")
            }
            () if unit.into_iter().chain(rows).any(|figure| !figure.is_finite() || figure < 0.0) => {
                Some("has a figure that is negative or not finite")
            }
            () if keys.windows(2).any(|pair| pair[0] == pair[1]) => {
                Some("has two rows of the same widths and activity")
            }
            () => None,
        }
    }

    /// The unit as TOML, a line for each row.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::from("[[unit]]\n");
        let method = match self.method {
            Method::Simulated => "simulated",
            Method::FlipFlops => "flip_flops",
        };
        for (key, value) in [
            ("module", self.module.as_str()),
            ("method", method),
            ("library", &self.library),
            ("corner", &self.corner),
            ("tools", &self.tools),
            ("command", &self.command),
        ] {
            let _ = writeln!(text, "{key} = {}", toml::Value::from(value));
        }
        let _ = writeln!(text, "area_um2 = {:.1}\nflip_flops = {}", self.area_um2, self.flip_flops);
        let _ = writeln!(
            text,
            "settle_ns = {:.3}\nleakage_nanowatts = {:.3}",
            self.settle_ns, self.leakage_nanowatts
        );
        let _ = writeln!(text, "clock_picojoules = {:.4}\nrows = [", self.clock_picojoules);
        for row in &self.rows {
            let scales = if row.two_scaled { "two_scaled = true, " } else { "" };
            let _ = writeln!(
                text,
                "    {{ activation_bits = {}, weight_bits = {}, {scales}activity = \"{}\", picojoules_per_beat = {:.4}, \
                 picojoules_per_product = {:.5}, spread = {:.4} }},",
                row.activation_bits,
                row.weight_bits,
                row.activity.name(),
                row.picojoules_per_beat,
                row.picojoules_per_product,
                row.spread
            );
        }
        text + "]\n"
    }
}
