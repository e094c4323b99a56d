//! Random accelerator descriptions: over all that the description's check lets pass, or small ones.

use bitgauge_arch::Accelerator;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::description::Reset;

use bitgauge_testing::Random;

/// A description drawn over the whole valid range.
///
/// Every key that shapes the hardware is drawn from all of its values, and the rules between keys decide
/// by rejection. `extreme` pulls rows and columns to one end of their range, which a plain draw rarely hits.
pub fn whole(random: &mut Random) -> Accelerator {
    const BASE: &str = include_str!("../designs/reference-8x8.toml");
    loop {
        let Ok(mut a) = Accelerator::from_toml(BASE) else { continue };
        let extreme = random.below(8);
        for side in [&mut a.array.rows, &mut a.array.cols] {
            *side = match extreme {
                0 => 2,
                1 => 64,
                2..5 => 1 << random.within(1, 6),
                _ => random.within(2, 64),
            };
        }
        a.memory.bus_bits = random.of(&[32, 64, 128]);
        a.memory.latency_cycles = random.of(&[1, 2, 3, 7, 40, 333, 1000]);
        a.memory.max_burst_beats = 1 << random.within(0, 8);
        a.scratchpad.banks = random.of(&[4, 8]);
        a.scratchpad.weight_banks = random.of(&[2, 4, 8]);
        a.scratchpad.activation_kib = 1 << random.within(2, 16);
        a.scratchpad.weight_kib = 1 << random.within(1, 16);
        a.post.lanes = 1 << random.within(0, a.array.cols.trailing_zeros());
        a.post.parameter_entries = 1 << random.within(6, 14);
        a.vector.lanes = 1 << random.within(0, 6);
        a.compression.codecs = match random.below(4) {
            0 => vec![],
            1 => vec![Codec::Pack],
            2 => vec![Codec::Zvc],
            _ => vec![Codec::Pack, Codec::Zvc],
        };
        a.compression.lanes = 1 << random.within(0, 3);
        a.controller.queue_words = 1 << random.within(2, 7);
        a.controller.prefetch_words = 1 << random.within(2, 10);
        a.synthesis.reset = random.of(&[Reset::Sync, Reset::Async]);
        a.name = format!("random-{}x{}", a.array.rows, a.array.cols);
        if a.check().is_ok() {
            return a;
        }
    }
}
