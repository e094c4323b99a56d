//! Everything a user gets with the Verilog of an accelerator, as texts by path.
//!
//! | path | what |
//! | --- | --- |
//! | `rtl/*.v`, `rtl/files.f` | the modules, one a file, and their list, sub-modules first |
//! | `synthesis/*_pins.v` | a module of five pins around the outermost, for place and route without a board |
//! | `testbench/*.v` | self-checking bench with a memory of the cycle contract, and others |
//! | `vectors/*.hex` | memory before and after, program, cycles and counters of one run |
//! | `Makefile` | lints, and runs the bench under Verilator and under Icarus |
//! | `*.core` | FuseSoC |
//! | `constraints/*` | clock constraints for ECP5 and Xilinx 7 |
//! | `registers.md`, `registers.h` | the register map |
//! | `accelerator.toml` | the description with every default filled in |

mod accesses;
mod part;
mod pins;
mod project;
mod testbench;
pub mod vectors;
mod wrapper;

use bitgauge_arch::Accelerator;
use bitgauge_arch::description::Reset as ResetStyle;

use crate::units::{control::map, top};
use crate::verilog::{Error, Module, Naming, Options, Reset, is_module_name};

pub use crate::units::top::configuration_hash;
pub use accesses::ACCESSES;
pub use part::{Part, PartDesign, part};
pub use testbench::{MEMORY, TESTBENCH};
pub use wrapper::{Bus, buses};

/// A file of the export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path inside the export, with `/`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl File {
    fn new(path: impl Into<String>, text: impl Into<String>) -> File {
        File { path: path.into(), text: text.into() }
    }
}

/// One run of one program, for the bench to repeat.
#[derive(Clone, Debug)]
pub struct Vectors<'a> {
    /// External memory before the run.
    pub memory: &'a [u8],
    /// External memory after it.
    pub expected: &'a [u8],
    /// Program, cycles and counters.
    pub run: vectors::Run,
}

/// Where the vectors lie: memory before and after, what is run.
const VECTOR_FILES: [&str; 3] = ["vectors/memory.hex", "vectors/expected.hex", "vectors/run.hex"];

/// The name of the outermost module: array, bus and a hash of the whole description.
#[must_use]
pub fn top_name(accelerator: &Accelerator) -> String {
    let (array, hash) = (&accelerator.array, configuration_hash(accelerator) as u32);
    format!("bitgauge_{}x{}_bus{}_{hash:08x}", array.rows, array.cols, accelerator.memory.bus_bits)
}

/// The name of the outermost module where all begin with `prefix`: that prefix.
#[must_use]
pub fn top_name_with(accelerator: &Accelerator, prefix: Option<&str>) -> String {
    prefix.map_or_else(|| top_name(accelerator), str::to_owned)
}

/// The modules of an accelerator, the outermost last.
///
/// # Errors
/// Where the design cannot be printed; never for a checked description.
pub fn modules(accelerator: &Accelerator) -> Result<Vec<Module>, Error> {
    with_pins(accelerator, None).map(|(modules, _)| modules)
}

/// The modules, and one more around the outermost that needs five pins only, for place and route. Names begin
/// with the prefix, or hold what tells them from those of other descriptions.
///
/// # Errors
/// Where the design cannot be printed; never for a checked description.
pub fn with_pins(accelerator: &Accelerator, prefix: Option<&str>) -> Result<(Vec<Module>, Module), Error> {
    let header = header(accelerator);
    let reset = reset(accelerator);
    let naming = prefix.map_or(Naming::Hashed, |prefix| Naming::Prefixed(prefix.to_owned()));
    let design = top::design(accelerator, &Options { reset, header: header.clone(), naming })?;
    let bus = accelerator.bus_bytes() as usize;
    let size = bus.trailing_zeros();
    let constants = [
        ("s_axi_bresp", 2, "2'd0".to_owned(), "OKAY"),
        ("s_axi_rresp", 2, "2'd0".to_owned(), "OKAY"),
        ("m_axi_arsize", 3, format!("3'd{size}"), "whole beats"),
        ("m_axi_arburst", 2, "2'd1".to_owned(), "INCR"),
        ("m_axi_awsize", 3, format!("3'd{size}"), "whole beats"),
        ("m_axi_awburst", 2, "2'd1".to_owned(), "INCR"),
        ("m_axi_wstrb", bus, format!("{{{bus}{{1'b1}}}}"), "a block's last beat is filled with zeros"),
    ];
    let top = top_name_with(accelerator, prefix);
    let outermost = wrapper::wrapper(&top, &design, &header, &constants);
    let pins = pins::pins(&top, design.reset_port, &buses(&design), &header);
    let mut modules = design.modules;
    modules.push(outermost);
    Ok((modules, pins))
}

fn reset(accelerator: &Accelerator) -> Reset {
    match accelerator.synthesis.reset {
        ResetStyle::Sync => Reset::Synchronous,
        ResetStyle::Async => Reset::Asynchronous,
    }
}

fn header(accelerator: &Accelerator) -> String {
    format!(
        "Bitgauge {}, accelerator {}, configuration {:016x}",
        env!("CARGO_PKG_VERSION"),
        accelerator.name,
        configuration_hash(accelerator)
    )
}

/// Bytes of memory that the bench has without vectors.
const EMPTY_BENCH_BYTES: usize = 1 << 16;

/// All files of an export, under names of Bitgauge's.
///
/// # Errors
/// Where the design cannot be printed; never for a checked description.
pub fn export(accelerator: &Accelerator, vectors: Option<&Vectors<'_>>) -> Result<Vec<File>, Error> {
    export_with(accelerator, None, vectors)
}

/// All files of an export, whose modules' names begin with `prefix` where there is one.
///
/// # Errors
/// A prefix that is no name for a module; else never for a checked description.
pub fn export_with(
    accelerator: &Accelerator,
    prefix: Option<&str>,
    vectors: Option<&Vectors<'_>>,
) -> Result<Vec<File>, Error> {
    if let Some(name) = prefix.filter(|prefix| !is_module_name(prefix)) {
        return Err(Error::Name { name: name.to_owned() });
    }
    let top = top_name_with(accelerator, prefix);
    let (modules, pins) = with_pins(accelerator, prefix)?;
    let bus = accelerator.bus_bytes() as usize;
    let list = modules.iter().fold(String::new(), |list, module| list + &module.file() + "\n");
    let memory_bytes = vectors.map_or(EMPTY_BENCH_BYTES, |vectors| vectors.memory.len());
    let sources: Vec<String> = modules.iter().map(Module::file).collect();
    let mut files: Vec<File> =
        modules.into_iter().map(|module| File::new(format!("rtl/{}", module.file()), module.text)).collect();
    files.push(File::new("rtl/files.f", list));
    files.push(File::new(format!("synthesis/{}", pins.file()), pins.text));
    files.push(File::new(TESTBENCH, testbench::text(accelerator, &top, memory_bytes)));
    files.push(File::new(MEMORY, testbench::MEMORY_TEXT));
    files.push(File::new("Makefile", project::makefile(&top, vectors.is_some())));
    files.push(File::new(format!("{top}.core"), project::fusesoc(&top, &sources, vectors.is_some())));
    files.extend(project::constraints(accelerator));
    files.push(File::new("registers.md", map::register_map_markdown()));
    files.push(File::new("registers.h", map::register_map_header()));
    files.push(File::new("accelerator.toml", accelerator.to_toml()));
    if let Some(vectors) = vectors {
        let texts = [
            vectors::memory(vectors.memory, bus),
            vectors::memory(vectors.expected, bus),
            vectors.run.text(),
        ];
        files.extend(VECTOR_FILES.into_iter().zip(texts).map(|(path, text)| File::new(path, text)));
    }
    Ok(files)
}
