//! Random units: ports, registers, a memory and a kernel as a syntax tree.

use crate::kernel::Kernel;
use crate::random::Random;
use bitgauge_rtl::prelude::*;
use rust_hdl::core::ast::VerilogBlock;
use rust_hdl::prelude::*;

#[derive(LogicState, Copy, Clone, Debug, PartialEq)]
// States that no kernel names are still encoded.
#[allow(dead_code)]
pub enum Mode {
    Idle,
    Run,
    Drain,
}

/// The number of variants of [`Mode`].
pub const MODES: u64 = 3;

pub struct Unit {
    name: Named,
    clock: Signal<In, Clock>,
    mode: Signal<In, Mode>,
    pub inputs: Vec<(String, Sig)>,
    pub locals: Vec<(String, Sig)>,
    pub outputs: Vec<(String, Sig)>,
    /// With the value each resets to.
    pub registers: Vec<(String, Reg, Value)>,
    pub memory: Option<Mem>,
    pub lanes: usize,
    pub kernel: VerilogBlock,
}

impl Logic for Unit {
    fn update(&mut self) {}
    fn hdl(&self) -> Verilog {
        Verilog::Combinatorial(self.kernel.clone())
    }
}

impl Block for Unit {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_scope(name, self);
        self.name.accept("name", probe);
        self.clock.accept("clock", probe);
        self.mode.accept("mode", probe);
        for (name, signal) in self.inputs.iter().chain(&self.outputs).chain(&self.locals) {
            signal.accept(name, probe);
        }
        self.registers.iter().for_each(|(name, register, _)| register.accept(name, probe));
        self.memory.iter().for_each(|memory| memory.accept("memory", probe));
        probe.visit_end_scope(name, self);
    }
}

/// The words of the memory.
pub const DEPTH: usize = 8;

impl Unit {
    pub fn random(random: &mut Random, with_memory: bool) -> Unit {
        // Some units have signals near the limit of width.
        let scale = if random.below(4) == 0 { 3 } else { 1 };
        let name = |letter: char, index: u64| format!("{letter}{index}");
        let inputs = (0..7).map(|i| (name('i', i), Sig::input(ty(random, scale * 14)))).collect();
        let locals = (0..5).map(|i| (name('l', i), Sig::local(ty(random, scale * 24)))).collect();
        let outputs =
            (0..16).map(|i| (name('o', i), Sig::output(ty(random, 40 + (scale - 1) * 30)))).collect();
        let register = |i, random: &mut Random| {
            let ty = ty(random, scale * 20);
            let value = ty.cut(Value::from(random.next()));
            (name('r', i), Reg::reset_to(ty, value), value)
        };
        let registers = (0..4).map(|i| register(i, random)).collect();
        let lanes = 1 + random.below(3) as usize;
        let word = Ty { width: lanes * (1 + random.below(6) as usize), signed: random.below(2) == 0 };
        let memory = with_memory.then(|| Mem::with_lanes(DEPTH, word, lanes));
        let mut unit = Unit {
            name: Named::new("fuzz"),
            clock: Signal::default(),
            mode: Signal::default(),
            inputs,
            locals,
            outputs,
            registers,
            memory,
            lanes,
            kernel: vec![],
        };
        unit.kernel = Kernel::new(random, if scale == 1 { 60 } else { 96 }).all(&unit);
        unit
    }
}

fn ty(random: &mut Random, most: u64) -> Ty {
    Ty { width: 1 + random.below(most) as usize, signed: random.below(2) == 0 }
}
