//! Block-diagonal products: outputs that read only some of the input's channels.
//!
//! A grouped convolution is as many products beside each other as it has parts. On chip a pixel is whole lines, and
//! a tile of outputs starts on a line: as many parts as fill whole lines of both make a block, in which weights
//! between the parts are 0. A block's outputs read the block's channels alone, so that the zeros of all other
//! blocks are neither stored nor multiplied.

/// How outputs and channels go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// Codes of the input that a block's outputs read: whole lines but for the last block.
    pub channels: u64,
    /// Outputs of a block: whole lines.
    pub outputs: u64,
    /// One command walks over blocks, fold by fold: a block is one line of both.
    pub walked: bool,
}

impl Blocks {
    /// Lines of a pixel before the channels that output `first` reads.
    pub fn skip(&self, first: u64, line_codes: u64) -> u64 {
        first / self.outputs.max(1) * self.channels.div_ceil(line_codes)
    }

    /// The blocks of a convolution in parts of `channels` to `outputs`; `None` where only all of it is a block.
    pub fn of_parts(parts: u64, channels: u64, outputs: u64, line: u64) -> Option<Blocks> {
        let fills = |count: &u64| {
            parts.is_multiple_of(*count)
                && (count * channels).is_multiple_of(line)
                && (count * outputs).is_multiple_of(line)
        };
        let count = (1..parts).find(fills)?;
        Some(Blocks { channels: count * channels, outputs: count * outputs, walked: false })
    }
}

/// Weights `[n][tap][channel of the part]` as `[n][tap][channel of the block]`, blocks of `together` parts.
pub(crate) fn expand(weight: &[i8], parts: usize, outputs: usize, taps: usize, together: usize) -> Vec<u8> {
    let each = weight.len() / (outputs * taps).max(1);
    let per_part = (outputs / parts.max(1)).max(1);
    let wide = each * together;
    let mut expanded = vec![0; outputs * taps * wide];
    for (index, (to, from)) in
        expanded.chunks_exact_mut(wide.max(1)).zip(weight.chunks_exact(each.max(1))).enumerate()
    {
        let part = index / taps.max(1) / per_part;
        let start = part % together.max(1) * each;
        for (to, &code) in to[start..][..each].iter_mut().zip(from) {
            *to = code as u8;
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_the_fewest_parts_that_fill_lines() {
        let of = |parts, channels, outputs| {
            Blocks::of_parts(parts, channels, outputs, 16).map(|blocks| (blocks.channels, blocks.outputs))
        };
        assert_eq!(of(32, 4, 4), Some((16, 16)));
        assert_eq!(of(32, 32, 32), Some((32, 32)));
        assert_eq!(of(64, 1, 2), Some((16, 32)));
        // Three parts of 24 channels: two fill lines, but leave one over.
        assert_eq!(of(3, 24, 16), None);
        assert_eq!(of(2, 8, 8), None);
    }

    #[test]
    fn weights_of_a_part_lie_at_its_channels_of_the_block() {
        // Four parts of one output, two channels each, one tap; two parts make a block.
        let expanded = expand(&[1, 2, 3, 4, 5, 6, 7, 8], 4, 4, 1, 2);
        assert_eq!(expanded, [1, 2, 0, 0, 0, 0, 3, 4, 5, 6, 0, 0, 0, 0, 7, 8]);
        let expanded = expand(&[1, 2, 3, 4], 2, 2, 2, 2);
        assert_eq!(expanded, [1, 0, 2, 0, 0, 3, 0, 4]);
    }
}
