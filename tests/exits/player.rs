//! A bench that plays back what a run would have shown, so that every kind of difference can be put into it.
//!
//! In place of Verilator stands a script that "builds" another script, which gives the files that it finds for the
//! run that it is asked for. What a run shows is the simulator's, changed or not.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bitgauge_arch::Program;
use bitgauge_arch::command::Unit;
use bitgauge_arch::validate::Validated;
use bitgauge_rtl::export::{ACCESSES, vectors};
use bitgauge_sim::{Machine, Options};

/// Gives `build/Vtestbench` the bench.
const VERILATOR: &str = "#!/bin/sh\nmkdir -p build && cp \"$PLAYER/bench\" build/Vtestbench\n";

/// Gives what the records hold for the same `run.hex`.
const BENCH: &str = r#"#!/bin/sh
for argument in "$@"; do
    case $argument in
        +run=*) run=${argument#+run=} ;;
        +dump=*) dump=${argument#+dump=} ;;
        +trace=*) trace=${argument#+trace=} ;;
    esac
done
for record in "$PLAYER"/record-*; do
    if cmp -s "$run" "$record/run.hex"; then
        cp "$record/dump.hex" "$dump" 2>/dev/null
        [ -z "$trace" ] || cp "$record/trace.txt" "$trace" 2>/dev/null
        cat "$record/said.txt"
        exit 0
    fi
done
echo "FAIL: no such run"
"#;

/// What a run of one program shows.
#[derive(Clone)]
pub struct Record {
    /// Its `run.hex`, by which it is found.
    run: String,
    bus_bytes: usize,
    /// Cycles, or none are said.
    pub cycles: Option<u64>,
    /// In the order of the register map.
    pub counters: Vec<u64>,
    /// At the ports of memories and bus, in the order of [`ACCESSES`].
    pub accesses: Vec<u64>,
    /// Unit, start, end of every command; the end may be missing.
    pub commands: Vec<(Unit, u64, Option<u64>)>,
    /// External memory, or there is no dump.
    pub memory: Option<Vec<u8>>,
    /// What the bench complains of.
    pub complaint: Option<String>,
}

impl Record {
    /// What the simulator shows.
    pub fn new(program: &Validated<Program>, inputs: &[(&str, &[u8])]) -> Record {
        let mut machine = Machine::new(program);
        let result = machine.run(inputs, &Options { trace: false, ..Options::default() }).unwrap();
        let run = vectors::Run { start: vectors::Start::new(program), cycles: 0, counters: vec![0; 32] };
        let counters = result.units.iter().flat_map(|unit| {
            std::iter::once(unit.busy).chain(unit.stalled).chain([unit.idle]).collect::<Vec<u64>>()
        });
        let mut spans = result.spans.clone();
        spans.sort_by_key(|span| span.command);
        Record {
            run: run.text(),
            bus_bytes: program.accelerator.bus_bytes() as usize,
            cycles: Some(result.cycles),
            counters: counters.collect(),
            accesses: ACCESSES.map(|action| result.actions.get(action)).to_vec(),
            commands: spans.iter().map(|span| (span.unit, span.start, Some(span.end))).collect(),
            memory: Some(machine.memory().to_vec()),
            complaint: None,
        }
    }

    fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        let mut said = String::new();
        if let Some(cycles) = self.cycles {
            writeln!(said, "cycles {cycles}").unwrap();
        }
        for (index, counter) in self.counters.iter().enumerate() {
            writeln!(said, "counter {index} {counter}").unwrap();
        }
        for (index, count) in self.accesses.iter().enumerate() {
            writeln!(said, "access {index} {count}").unwrap();
        }
        match &self.complaint {
            Some(complaint) => writeln!(said, "FAIL: {complaint}").unwrap(),
            None => said += "PASS\n",
        }
        let mut trace = String::new();
        for (unit, start, end) in &self.commands {
            writeln!(trace, "s {} {start}", unit.index()).unwrap();
            if let Some(end) = end {
                writeln!(trace, "e {} {end}", unit.index()).unwrap();
            }
        }
        fs::write(folder.join("run.hex"), &self.run).unwrap();
        fs::write(folder.join("said.txt"), said).unwrap();
        fs::write(folder.join("trace.txt"), trace).unwrap();
        let dump = folder.join("dump.hex");
        match &self.memory {
            Some(memory) => fs::write(dump, dumped(memory, self.bus_bytes)).unwrap(),
            None => drop(fs::remove_file(dump)),
        }
    }
}

/// All beats, as `$writememh` writes them.
fn dumped(memory: &[u8], bus_bytes: usize) -> String {
    let beat =
        |beat: &[u8]| beat.iter().rev().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect();
    memory.chunks(bus_bytes).map(beat).collect::<Vec<String>>().concat()
}

/// A folder with both scripts and a record for every program.
pub struct Player {
    folder: PathBuf,
}

impl Player {
    /// Writes the scripts.
    pub fn new(folder: PathBuf) -> Player {
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in [("verilator", VERILATOR), ("bench", BENCH)] {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Player { folder }
    }

    /// What to play from now on.
    pub fn play(&self, records: &[Record]) {
        for (index, record) in records.iter().enumerate() {
            record.write(&self.folder.join(format!("record-{index}")));
        }
    }

    /// For the environment of the program: its Verilator, and where the bench finds its records.
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [("BITGAUGE_VERILATOR", self.folder.join("verilator")), ("PLAYER", self.folder.clone())]
    }
}
