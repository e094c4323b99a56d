//! FPGA families: how their cells count, and what their devices hold.

use serde::Serialize;

/// Families that Yosys synthesizes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Lattice ECP5
    Ecp5,
    /// Lattice iCE40
    Ice40,
    /// AMD Xilinx 7 series
    Xilinx7,
}

/// What a design takes, or a device has. LUT: look-up tables of the family, with those in carry chains and
/// distributed RAM. BRAM: block RAMs of the family's own size (ECP5 18 Kbit, iCE40 4 Kbit, Xilinx 18 Kbit).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Area {
    pub lut: u64,
    pub ff: u64,
    pub dsp: u64,
    pub bram: u64,
}

impl Area {
    /// Adds `count` times another.
    pub fn add(&mut self, other: Area, count: u64) {
        self.lut += other.lut * count;
        self.ff += other.ff * count;
        self.dsp += other.dsp * count;
        self.bram += other.bram * count;
    }

    /// Name, here, there, of what there is more of here than there.
    pub fn beyond(self, device: Area) -> Vec<(&'static str, u64, u64)> {
        let rows = [
            ("LUT", self.lut, device.lut),
            ("FF", self.ff, device.ff),
            ("DSP", self.dsp, device.dsp),
            ("BRAM", self.bram, device.bram),
        ];
        rows.into_iter().filter(|(_, here, there)| here > there).collect()
    }
}

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// As `--device` names it.
    pub name: &'static str,
    /// What it holds.
    pub holds: Area,
}

const fn device(name: &'static str, lut: u64, ff: u64, dsp: u64, bram: u64) -> Device {
    Device { name, holds: Area { lut, ff, dsp, bram } }
}

/// Lattice FPGA-DS-02012, table 1.1.
const ECP5: [Device; 3] = [
    device("25k", 24_288, 24_288, 28, 56),
    device("45k", 43_848, 43_848, 72, 108),
    device("85k", 83_640, 83_640, 156, 208),
];
/// Lattice FPGA-DS-02029 (HX) and FPGA-DS-02008 (UP).
const ICE40: [Device; 2] = [device("hx8k", 7_680, 7_680, 0, 32), device("up5k", 5_280, 5_280, 8, 30)];
/// AMD DS180; block RAMs in halves of 18 Kbit.
const XILINX7: [Device; 4] = [
    device("35t", 20_800, 41_600, 90, 100),
    device("100t", 63_400, 126_800, 240, 270),
    device("200t", 134_600, 269_200, 740, 730),
    device("7z020", 53_200, 106_400, 220, 280),
];

impl Family {
    /// The devices whose sizes are known.
    pub fn devices(self) -> &'static [Device] {
        match self {
            Family::Ecp5 => &ECP5,
            Family::Ice40 => &ICE40,
            Family::Xilinx7 => &XILINX7,
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Family::Ecp5 => "ecp5",
            Family::Ice40 => "ice40",
            Family::Xilinx7 => "xilinx7",
        }
    }

    /// What one cell takes; `None` for what is no cell of the family, such as a module.
    pub fn cell(self, name: &str) -> Option<Area> {
        let area = |lut, ff, dsp, bram| Some(Area { lut, ff, dsp, bram });
        match (self, name) {
            (Family::Ecp5, "LUT4") => area(1, 0, 0, 0),
            (Family::Ecp5, "CCU2C") => area(2, 0, 0, 0),
            // Four tables hold the words, two more drive their write port.
            (Family::Ecp5, "TRELLIS_DPR16X4") => area(6, 0, 0, 0),
            (Family::Ecp5, "TRELLIS_FF") => area(0, 1, 0, 0),
            (Family::Ecp5, "MULT18X18D") => area(0, 0, 1, 0),
            (Family::Ecp5, "DP16KD" | "PDPW16KD") => area(0, 0, 0, 1),
            (Family::Ice40, "SB_LUT4") => area(1, 0, 0, 0),
            (Family::Ice40, "SB_MAC16") => area(0, 0, 1, 0),
            (Family::Ice40, _) if name.starts_with("SB_DFF") => area(0, 1, 0, 0),
            (Family::Ice40, _) if name.starts_with("SB_RAM40") => area(0, 0, 0, 1),
            (Family::Xilinx7, "FDRE" | "FDSE" | "FDCE" | "FDPE") => area(0, 1, 0, 0),
            (Family::Xilinx7, "DSP48E1") => area(0, 0, 1, 0),
            (Family::Xilinx7, "RAMB18E1") => area(0, 0, 0, 1),
            (Family::Xilinx7, "RAMB36E1") => area(0, 0, 0, 2),
            (Family::Xilinx7, "INV" | "SRL16E" | "SRLC32E") => area(1, 0, 0, 0),
            (Family::Xilinx7, "RAM32X1D" | "RAM64X1D") => area(2, 0, 0, 0),
            (Family::Xilinx7, "RAM32M" | "RAM64M" | "RAM128X1D") => area(4, 0, 0, 0),
            (Family::Xilinx7, _) => {
                let inputs = name.strip_prefix("LUT")?;
                matches!(inputs, "1" | "2" | "3" | "4" | "5" | "6").then_some(())?;
                area(1, 0, 0, 0)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_modules_are_told_apart() {
        assert_eq!(Family::Ecp5.cell("CCU2C"), Some(Area { lut: 2, ..Area::default() }));
        assert_eq!(Family::Xilinx7.cell("LUT6").map(|area| area.lut), Some(1));
        assert_eq!(Family::Xilinx7.cell("RAMB36E1").map(|area| area.bram), Some(2));
        assert_eq!(Family::Ice40.cell("SB_DFFESR").map(|area| area.ff), Some(1));
        assert_eq!(Family::Ecp5.cell("pe_a9_w8_acc32"), None);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let device = Family::Ecp5.devices()[0].holds;
        let area = Area { lut: 24_288, ff: 24_289, dsp: 29, bram: 0 };
        assert_eq!(area.beyond(device), [("FF", 24_289, 24_288), ("DSP", 29, 28)]);
    }
}
