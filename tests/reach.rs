//! Do random programs reach what they are to test: every function, codec, stall and corner?
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use bitgauge_arch::Program;
use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::{Command, Operation, Store, Target, Unit, VectorFunction};
use bitgauge_arch::description::MacKind;
use bitgauge_arch::timing::drain_steps;

use bitgauge_sim::result::StallReason;
use bitgauge_sim::{Machine, Options};
use bitgauge_testing::{Random, programs};

/// How often each thing occurred; all that have to occur are in it from the start.
struct Seen(BTreeMap<String, u64>);

/// Stalls that a unit can have at all.
const STALLS: [&[StallReason]; 4] = [
    &[StallReason::Token, StallReason::Bank, StallReason::Memory, StallReason::Codec],
    &[StallReason::Token, StallReason::Bank, StallReason::Drain],
    &[StallReason::Token, StallReason::Bank],
    &[StallReason::Token, StallReason::Bank, StallReason::Memory, StallReason::Operand],
];

const CORNERS: &[&str] = &[
    "load of no data",
    "load of a page's boundary",
    "load with an escaped block",
    "load with a coded block",
    "load of signed narrow codes",
    "store of a page's boundary",
    "store with an escaped block",
    "store with a coded block",
    "store's zero code wider than its codes",
    "store with a coded block and such a zero code",
    "store of a result",
    "parameters with a negative scale",
    "parameters with a shift of zero",
    "parameters with a shift beyond the greatest",
    "compute in two steps",
    "compute with a wide residual only",
    "compute with parameters per row",
    "compute in groups",
    "compute on `fixed` of several lanes",
    "compute on `serial` with narrow activations",
    "compute on `serial` with narrow weights",
    "compute on operand lines of 4-bit containers",
    "compute on operand lines of 2-bit containers",
    "compute on `serial` with a line that takes longer than its codes",
    "compute that keeps its sums",
    "compute with the second table",
    "compute with codes of all 16 bits",
    "compute with an empty range of codes",
    "compute with a bound that the zero point moves",
    "compute with sum and residual beyond 16 bits",
    "compute with a residual in the first bank",
    "compute of a result",
    "compute to the first bank",
    "vector of a result",
    "vector with operands beyond 16 bits",
    "softmax of one code",
    "vector to the first bank",
    "vector with a zero point beyond bytes",
    "token",
    "barrier",
];

impl Seen {
    fn new() -> Seen {
        let mut all: Vec<String> = CORNERS.iter().map(|&name| name.to_owned()).collect();
        all.extend(VectorFunction::ALL.iter().map(|function| format!("vector {function:?}")));
        all.extend(Target::ALL.iter().map(|target| format!("load to {target:?}")));
        for codec in Codec::ALL {
            all.extend([format!("load by {codec:?}"), format!("store by {codec:?}")]);
        }
        for unit in Unit::ALL {
            let reasons = STALLS[unit.index()].iter();
            all.extend(reasons.map(|reason| format!("{} waits for {}", unit.name(), reason.name())));
        }
        Seen(all.into_iter().map(|name| (name, 0)).collect())
    }

    fn see(&mut self, name: &str) {
        *self.0.get_mut(name).unwrap_or_else(|| panic!("`{name}` is not in the list")) += 1;
    }

    fn see_if(&mut self, condition: bool, name: &str) {
        if condition {
            self.see(name);
        }
    }

    /// `results` are the lines to which earlier commands have written theirs.
    fn command(&mut self, program: &Program, command: &Command, results: &[u32]) {
        let me = command.operation.unit().index();
        self.see_if(command.wait & !(1 << me) != 0, "token");
        self.see_if(command.wait >> me & 1 == 1, "barrier");
        match &command.operation {
            Operation::Load(load) => {
                self.see(&format!("load by {:?}", load.format().codec));
                self.see(&format!("load to {:?}", Target::ALL[load.target as usize]));
                let bytes = load.pixels * load.channels;
                self.see_if(bytes * load.blocks == 0, "load of no data");
                self.see_if(crosses(load.external_address, bytes), "load of a page's boundary");
                self.see_if(load.signed == 1 && load.value_bits < 8, "load of signed narrow codes");
                if load.target() == Some(Target::PostParameter) {
                    let memory = program.initial_memory();
                    let entries = memory[load.external_address as usize..][..bytes as usize].chunks(8);
                    self.see_if(
                        entries.clone().any(|entry| entry[6] >> 6 & 1 == 1),
                        "parameters with a negative scale",
                    );
                    let mut shifts = entries.map(|entry| entry[6] & 0x3f);
                    self.see_if(shifts.clone().any(|shift| shift == 0), "parameters with a shift of zero");
                    self.see_if(
                        shifts.any(|shift| shift > 47),
                        "parameters with a shift beyond the greatest",
                    );
                }
                if load.format().codec == Codec::Zvc && bytes > 0 {
                    let escaped = escapes(&program.initial_memory(), load.length_table, load.blocks);
                    self.see_if(escaped.contains(&true), "load with an escaped block");
                    self.see_if(escaped.contains(&false), "load with a coded block");
                }
            }
            Operation::Store(store) => {
                self.see(&format!("store by {:?}", store.format().codec));
                let bytes = store.pixels * store.channels;
                self.see_if(crosses(store.external_address, bytes), "store of a page's boundary");
                let zvc = store.format().codec == Codec::Zvc;
                self.see_if(
                    zvc && bytes * store.blocks > 0 && wider_zero_code(store),
                    "store's zero code wider than its codes",
                );
                self.see_if(results.contains(&store.line) && bytes > 0, "store of a result");
            }
            Operation::Compute(compute) => {
                let steps = drain_steps(&program.accelerator, compute);
                self.see_if(steps == 2, "compute in two steps");
                let residual = compute.residual_enable == 1 && compute.residual_wide == 1;
                self.see_if(residual && compute.output_wide == 0, "compute with a wide residual only");
                self.see_if(compute.parameter_per_row == 1, "compute with parameters per row");
                self.see_if(compute.grouped == 1, "compute in groups");
                let (accelerator, operands) = (&program.accelerator, compute.operands());
                let (array, serial) = (&accelerator.array, accelerator.array.mac == MacKind::Serial);
                self.see_if(!serial && array.lanes > 1, "compute on `fixed` of several lanes");
                let narrow = [operands.activation_bits, operands.weight_bits].map(|bits| serial && bits < 8);
                self.see_if(narrow[0], "compute on `serial` with narrow activations");
                self.see_if(narrow[1], "compute on `serial` with narrow weights");
                let container = compute.operand_container();
                let beats = accelerator.line_beats(operands, container, u64::from(compute.channels));
                let most = container.codes_of(u64::from(accelerator.line_bytes()));
                let codes = u64::from(compute.channels).min(most);
                self.see_if(
                    container == OperandContainer::Bits4,
                    "compute on operand lines of 4-bit containers",
                );
                self.see_if(
                    container == OperandContainer::Bits2,
                    "compute on operand lines of 2-bit containers",
                );
                self.see_if(
                    serial
                        && beats
                            > array.rate(operands).cycles_of(codes.next_multiple_of(u64::from(array.lanes))),
                    "compute on `serial` with a line that takes longer than its codes",
                );
                self.see_if(compute.accumulate == 1, "compute that keeps its sums");
                self.see_if(
                    compute.table_enable == 1 && compute.table_select == 1,
                    "compute with the second table",
                );
                let (low, high, zero) = (compute.clamp_low, compute.clamp_high, compute.zero_point);
                let all = (low, high) == (-32_768, 32_767);
                self.see_if(all && compute.output_wide == 1, "compute with codes of all 16 bits");
                self.see_if(low > high, "compute with an empty range of codes");
                self.see_if(
                    high <= 255 && zero.abs() > 1000,
                    "compute with a bound that the zero point moves",
                );
                self.see_if(
                    residual && all && compute.residual_shift <= 14,
                    "compute with sum and residual beyond 16 bits",
                );
                self.see_if(compute.residual_read & 1 == 1, "compute with a residual in the first bank");
                self.see_if(results.contains(&compute.activation_line), "compute of a result");
                self.see_if(compute.activation_write & 1 == 1, "compute to the first bank");
            }
            Operation::Vector(vector) => {
                let function = VectorFunction::ALL.iter().find(|f| f.code() == vector.function).unwrap();
                self.see(&format!("vector {function:?}"));
                self.see_if(results.contains(&vector.source_line), "vector of a result");
                self.see_if(vector.activation_write & 1 == 1, "vector to the first bank");
                let wide = vector.source_wide & vector.second_wide & vector.second_enable == 1;
                let loud = wide && vector.source_shift.max(vector.second_shift) <= 15;
                self.see_if(loud && *function == VectorFunction::Add, "vector with operands beyond 16 bits");
                self.see_if(
                    vector.channels == 1 && *function == VectorFunction::Softmax,
                    "softmax of one code",
                );
                self.see_if(vector.zero_point.abs() > 255, "vector with a zero point beyond bytes");
            }
        }
    }
}

/// Where a command leaves what it has computed.
fn result_line(command: &Command) -> Option<u32> {
    match &command.operation {
        Operation::Compute(compute) if compute.activation_write != 0 => Some(compute.output_line),
        Operation::Vector(vector) if vector.activation_write != 0 => Some(vector.output_line),
        _ => None,
    }
}

/// Whether the zero code has bits that the codes have not.
fn wider_zero_code(store: &Store) -> bool {
    store.zero_code >> store.value_bits.min(8) != 0
}

/// Whether a dense block lies in two pages.
fn crosses(address: u32, bytes: u32) -> bool {
    bytes > 0 && address / 4096 != (address + bytes - 1) / 4096
}

/// What a length table says of its blocks.
fn escapes(memory: &[u8], table: u32, blocks: u32) -> Vec<bool> {
    (0..blocks).map(|block| memory[(table + 2 * block + 1) as usize] >> 7 == 1).collect()
}

#[test]
fn random_programs_reach_everything() {
    let mut random = Random(11);
    let mut seen = Seen::new();
    for number in 0..300 {
        let accelerator = programs::accelerator(&mut random, 16);
        let program = programs::program(&mut random, &accelerator, 30);
        let mut machine = Machine::new(&program);
        let result = machine.run(&[], &Options::default());
        let result = result.unwrap_or_else(|error| panic!("program {number}: {error}"));
        assert_eq!(result.spans.len(), program.commands.len(), "program {number}");
        let commands: Vec<Command> = program.resolved().map(|(_, command)| command).collect();
        let mut results = Vec::new();
        for command in &commands {
            seen.command(&program, command, &results);
            results.extend(result_line(command));
        }
        // What later stores leave alone; the very last is none of the random ones.
        let mut stores = commands.iter().rev().skip(1).filter_map(|command| match &command.operation {
            Operation::Store(store) => Some(store),
            _ => None,
        });
        if let Some(store) = stores.next().filter(|store| store.format().codec == Codec::Zvc)
            && store.pixels * store.channels > 0
        {
            let escaped = escapes(machine.memory(), store.length_table, store.blocks);
            seen.see_if(escaped.contains(&true), "store with an escaped block");
            seen.see_if(escaped.contains(&false), "store with a coded block");
            seen.see_if(
                escaped.contains(&false) && wider_zero_code(store),
                "store with a coded block and such a zero code",
            );
        }
        for unit in Unit::ALL {
            for &reason in STALLS[unit.index()] {
                let cycles = result.units[unit.index()].stalled[reason as usize];
                seen.see_if(cycles > 0, &format!("{} waits for {}", unit.name(), reason.name()));
            }
        }
    }
    let missing: Vec<&String> =
        seen.0.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name).collect();
    let table: Vec<String> = seen.0.iter().map(|(name, count)| format!("{count:6} {name}")).collect();
    assert!(missing.is_empty(), "never: {missing:?}\n{}", table.join("\n"));
}
