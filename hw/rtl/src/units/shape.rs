//! The numbers of a description that shape the hardware.

use super::mac::MacShape;
use bitgauge_arch::Accelerator;
use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::timing::{load_fifo_beats, store_fifo_beats};

/// Sizes of every unit, as plain numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows of the array.
    pub rows: usize,
    /// Columns of the array.
    pub cols: usize,
    /// The processing elements.
    pub mac: MacShape,
    /// Cycles of the shortest line that the feeders deal, and of the longest.
    pub line_beats: [usize; 2],
    /// Bytes of a scratchpad line.
    pub line: usize,
    /// Bytes of a beat.
    pub bus: usize,
    /// Columns drained in a cycle.
    pub post_lanes: usize,
    /// Codes the vector unit handles in a cycle.
    pub vector_lanes: usize,
    /// Whether channels can have steps of their own.
    pub channel_shifts: bool,
    /// Whether load and store have the codec `pack`.
    pub pack: bool,
    /// Whether loads make operand lines of narrow containers.
    pub narrow: bool,
    /// Whether load and store have the codec `zvc`.
    pub zvc: bool,
    /// Banks of the activation scratchpad.
    pub activation_banks: usize,
    /// Lines of one of them.
    pub activation_bank_lines: usize,
    /// Banks of the weight scratchpad.
    pub weight_banks: usize,
    /// Lines of one of them.
    pub weight_bank_lines: usize,
    /// Entries of each parameter memory.
    pub parameter_entries: usize,
    /// Longest burst, beats.
    pub burst_beats: usize,
    /// Command words of a queue.
    pub queue_words: usize,
    /// Command words of the prefetch buffer.
    pub prefetch_words: usize,
    /// Beats of the load FIFO.
    pub load_fifo_beats: usize,
    /// Beats of the store FIFO.
    pub store_fifo_beats: usize,
}

impl Shape {
    /// Codes of a whole operand line, of the widest containers.
    #[must_use]
    pub fn line_codes(&self) -> usize {
        8 * self.line / self.mac.container
    }

    /// The shape of a checked description.
    #[must_use]
    pub fn of(accelerator: &Accelerator) -> Shape {
        let codec = |kind| accelerator.compression.codecs.contains(&kind);
        Shape {
            rows: accelerator.array.rows as usize,
            cols: accelerator.array.cols as usize,
            mac: MacShape::of(&accelerator.array),
            line_beats: [accelerator.least_beats() as usize, accelerator.most_beats() as usize],
            line: accelerator.line_bytes() as usize,
            bus: accelerator.bus_bytes() as usize,
            post_lanes: accelerator.post.lanes as usize,
            vector_lanes: accelerator.vector.lanes as usize,
            channel_shifts: accelerator.vector.channel_shifts,
            pack: codec(Codec::Pack),
            narrow: codec(Codec::Pack)
                && [OperandContainer::Bits4, OperandContainer::Bits2]
                    .into_iter()
                    .any(|container| accelerator.array.takes(container)),
            zvc: codec(Codec::Zvc),
            activation_banks: accelerator.scratchpad.banks as usize,
            activation_bank_lines: accelerator.activation_bank_lines() as usize,
            weight_banks: accelerator.scratchpad.weight_banks as usize,
            weight_bank_lines: accelerator.weight_bank_lines() as usize,
            parameter_entries: accelerator.post.parameter_entries as usize,
            burst_beats: accelerator.memory.max_burst_beats as usize,
            queue_words: accelerator.controller.queue_words as usize,
            prefetch_words: accelerator.controller.prefetch_words as usize,
            load_fifo_beats: load_fifo_beats(accelerator) as usize,
            store_fifo_beats: store_fifo_beats(accelerator) as usize,
        }
    }
}
