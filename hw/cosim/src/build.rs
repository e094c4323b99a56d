//! From an accelerator to a program that simulates it.

use std::fs;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bitgauge_arch::Accelerator;
use bitgauge_rtl::export::{self, MEMORY, TESTBENCH};
use fnv::FnvHasher;

use crate::error::CosimError;

/// What the C++ compiler spends on a bench.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// Short programs: what counts is the build.
    Quick,
    /// Whole networks: what counts is build and runs together. On an 8x8 design `-O1` beats `-Os` in both.
    #[default]
    Full,
}

impl Effort {
    /// For `make`: only what is given there comes behind the `-Os` of Verilator's own makefile.
    fn make_flags(self) -> &'static str {
        match self {
            Effort::Quick => "OPT_FAST=-O0 OPT_GLOBAL=-O1",
            Effort::Full => "OPT_FAST=-O1 OPT_GLOBAL=-O2",
        }
    }
}

/// How to build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Bytes of external memory; rounded up to a power of two.
    pub memory_bytes: usize,
    /// Able to write waveforms; slower.
    pub waveforms: bool,
    /// What the C++ compiler spends.
    pub effort: Effort,
}

/// A built bench.
#[derive(Clone, Debug)]
pub struct Build {
    pub(crate) binary: PathBuf,
    pub(crate) bus_bytes: usize,
    pub(crate) memory_bytes: usize,
    folder: PathBuf,
}

impl Build {
    /// Exports the accelerator to a folder of its own under `folder` and builds it there, or takes what an
    /// earlier call has built of the very same sources.
    ///
    /// # Errors
    /// Verilator missing, files that cannot be written, a design that Verilator refuses.
    pub fn new(accelerator: &Accelerator, folder: &Path, options: BuildOptions) -> Result<Build, CosimError> {
        Build::of_files(accelerator, &export::export(accelerator, None)?, folder, options)
    }

    /// The same of an export whose texts the caller may have changed.
    ///
    /// # Errors
    /// Verilator missing, files that cannot be written, a design that Verilator refuses.
    pub fn of_files(
        accelerator: &Accelerator,
        files: &[export::File],
        folder: &Path,
        options: BuildOptions,
    ) -> Result<Build, CosimError> {
        let memory_bytes = options.memory_bytes.max(1 << 16).next_power_of_two();
        let bus_bytes = accelerator.bus_bytes() as usize;
        let mut hash = FnvHasher::default();
        for file in files {
            hash.write(file.path.as_bytes());
            hash.write(file.text.as_bytes());
        }
        hash.write(
            format!("{memory_bytes} {} {}", options.waveforms, options.effort.make_flags()).as_bytes(),
        );
        let folder = folder.join(format!("{}-{:016x}", export::top_name(accelerator), hash.finish()));
        let build = Build {
            binary: folder.join("build/Vtestbench"),
            bus_bytes,
            memory_bytes,
            folder: folder.clone(),
        };
        // Who comes while another builds waits for it: tests run side by side, in threads and in processes.
        let _locked = lock(&folder)?;
        // The binary is the last thing that Verilator's make writes.
        if build.binary.exists() {
            return Ok(build);
        }
        for file in files {
            let path = folder.join(&file.path);
            let fail = |source| CosimError::File { path: path.clone(), source };
            fs::create_dir_all(path.parent().unwrap_or(&folder)).map_err(fail)?;
            fs::write(&path, &file.text).map_err(fail)?;
        }
        let mut command = Command::new(verilator());
        command.current_dir(&folder).args(["--binary", "-O3", "--x-assign", "fast", "--x-initial", "fast"]);
        command.args([
            // A word that is read while it is written must not matter; see `Mem::without_collisions`.
            "-DBITGAUGE_COLLISIONS",
            // What the energy table prices, counted where it happens.
            "-DBITGAUGE_ACCESSES",
            // Coroutines, for a Verilator that was built without a look at this host's compiler.
            "-CFLAGS",
            "-std=gnu++20",
            "-Wno-fatal",
            "-Wno-lint",
            "-Wno-style",
            "--top-module",
            "testbench",
            "-Mdir",
            "build",
        ]);
        command.args(["-j", "2", "-MAKEFLAGS", options.effort.make_flags(), "--output-split", "8000"]);
        if options.waveforms {
            command.args(["--trace", "--trace-structs"]);
        }
        command.arg(format!("-GMEMORY_BEATS={}", memory_bytes / bus_bytes)).args([TESTBENCH, MEMORY]);
        command.args(
            files
                .iter()
                .filter(|file| file.path.starts_with("rtl/") && file.path.ends_with(".v"))
                .map(|file| &file.path),
        );
        let output = command
            .output()
            .map_err(|source| CosimError::Tool { program: verilator().display().to_string(), source })?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            let lines: Vec<&str> = said.lines().collect();
            let log = lines[lines.len().saturating_sub(30)..].join("\n");
            return Err(CosimError::Refused { folder, log });
        }
        Ok(build)
    }

    /// Where the sources lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Waits until nobody else has the folder; makes it first. It is free again when the file is dropped, or its
/// process ends.
fn lock(folder: &Path) -> Result<fs::File, CosimError> {
    let path = folder.join("lock");
    let make = || {
        fs::create_dir_all(folder)?;
        let file = fs::File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    make().map_err(|source| CosimError::File { path: path.clone(), source })
}

fn verilator() -> PathBuf {
    std::env::var_os("BITGAUGE_VERILATOR").map_or_else(|| PathBuf::from("verilator"), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_folder_is_one_builders_at_a_time() {
        let folder = std::env::temp_dir().join(format!("bitgauge-lock-{}", std::process::id()));
        let first = super::lock(&folder).unwrap();
        let free = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                let _second = super::lock(&folder).unwrap();
                free.load(Ordering::SeqCst)
            });
            std::thread::sleep(std::time::Duration::from_millis(50));
            free.store(true, Ordering::SeqCst);
            drop(first);
            assert!(second.join().unwrap(), "two had it");
        });
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
