//! Memories: simple dual port, one write and one registered read, inferred as block RAM.

use crate::module::Named;
use crate::signal::{Sig, Ty, u};
use crate::value::{Value, Word};
use rust_hdl::prelude::*;

/// The mark by which the printer knows a memory, followed by depth, lanes and what a
/// read of a word gives that is just written.
pub(crate) const MEMORY_MARK: &str = "bitgauge memory ";

/// A memory with a write port and a read port on one clock.
///
/// A read takes effect at the rising edge where `re` is set and shows what the word was before a write of
/// the same edge. Reset does not touch it. It becomes a module of its own (`ram_256x16`), so that a
/// memory macro can take its place. Where nobody uses a lane in the cycle in which it is written,
/// [`Mem::without_collisions`] says so, and saves an FPGA the logic that keeps the old word. An address at or beyond the depth reads as nothing in particular.
#[derive(LogicBlock, Clone)]
pub struct Mem {
    name: Named,
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Write enable, one bit for each lane of the word.
    pub we: Sig,
    /// Where to write.
    pub waddr: Sig,
    /// What to write.
    pub wdata: Sig,
    /// Read enable; without it `rdata` keeps its value.
    pub re: Signal<In, Bit>,
    /// Where to read.
    pub raddr: Sig,
    /// What was read.
    pub rdata: Sig,
    _words: Vec<Value>,
    _lanes: usize,
    _collides: bool,
}

impl Mem {
    /// A memory of `depth` words that are written whole.
    #[must_use]
    pub fn new(depth: usize, ty: Ty) -> Mem {
        Mem::with_lanes(depth, ty, 1)
    }

    /// A memory whose words consist of `lanes` equal parts with an enable each (bytes, for example).
    #[must_use]
    pub fn with_lanes(depth: usize, ty: Ty, lanes: usize) -> Mem {
        let address = u(clog2(depth.max(2)));
        let sign = if ty.signed { "_signed" } else { "" };
        let suffix = if lanes > 1 { format!("_by{lanes}") } else { String::new() };
        Mem {
            name: Named::new(format!("ram_{depth}x{}{suffix}{sign}", ty.width))
                .doc("Simple dual port memory: one write, one registered read of the old word.")
                .port("we", "write enable of each lane")
                .port("re", "read enable; without it rdata keeps its value"),
            clock: Signal::default(),
            we: Sig::input(u(lanes)),
            waddr: Sig::input(address),
            wdata: Sig::input(ty),
            re: Signal::default(),
            raddr: Sig::input(address),
            rdata: Sig::output(ty),
            _words: vec![0; depth],
            _lanes: lanes,
            _collides: true,
        }
    }

    /// The same memory, where no reader uses a lane that is written in the cycle of the read. Simulations
    /// of the Verilog with `BITGAUGE_COLLISIONS` defined give such a reader the opposite of what is written.
    #[must_use]
    pub fn without_collisions(mut self) -> Mem {
        let (depth, lanes, ty) = (self._words.len(), self._lanes, self.wdata.ty());
        let sign = if ty.signed { "_signed" } else { "" };
        let suffix = if lanes > 1 { format!("_by{lanes}") } else { String::new() };
        self.name = Named::new(format!("ram_{depth}x{}{suffix}{sign}_apart", ty.width))
            .doc("Simple dual port memory: one write, one registered read; nobody needs a word that is just written.")
            .port("we", "write enable of each lane")
            .port("re", "read enable; without it rdata keeps its value");
        self._collides = false;
        self
    }

    fn write(&mut self) {
        let enables = self.we.val().value();
        let lane_bits = self.wdata.ty().width / self._lanes.max(1);
        let mut mask: Value = 0;
        for lane in 0..self._lanes {
            if (enables >> lane) & 1 == 1 {
                mask |= ((1 << lane_bits) - 1) << (lane * lane_bits);
            }
        }
        let (address, data, ty) = (self.waddr.val().value(), self.wdata.val().value(), self.wdata.ty());
        if let Some(word) = self._words.get_mut(address as usize) {
            *word = ty.cut((*word & !mask) | (data & mask));
        }
    }
}

impl Logic for Mem {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            if self.re.val() {
                let address = self.raddr.val().value() as usize;
                self.rdata.next = Word::from(self._words.get(address).copied().unwrap_or(0));
            }
            self.write();
        }
    }
    fn connect(&mut self) {
        self.rdata.connect();
    }
    fn hdl(&self) -> Verilog {
        let kind = if self._collides { "old" } else { "apart" };
        Verilog::Custom(format!("{MEMORY_MARK}{} {} {kind}", self._words.len(), self._lanes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycle(memory: &mut Mem) {
        for level in [false, true] {
            memory.clock.next.clk = level;
            assert!(simulate(memory, 10));
        }
    }

    #[test]
    fn lanes_are_written_apart_and_reads_see_the_old_word() {
        let mut memory = Mem::with_lanes(4, u(16), 2);
        memory.waddr.next = 2.into();
        memory.raddr.next = 2.into();
        memory.re.next = true;
        memory.wdata.next = 0xabcd.into();
        for (enables, before) in [(1, 0), (2, 0x00cd), (0, 0xabcd)] {
            memory.we.next = enables.into();
            cycle(&mut memory);
            assert_eq!(memory.rdata.val().value(), before);
        }
    }
}
