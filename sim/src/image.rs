//! External memory as it is before a run, without holding all of it twice: what is written is put back page by
//! page from the program's constants.

use bitgauge_arch::Program;
use bitgauge_arch::command::Word;
use bitgauge_arch::program::Segment;

const PAGE: usize = 4096;

/// What external memory holds before a run.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// Constants and commands, in ascending order and apart; what lies between them is zero.
    segments: Vec<Segment>,
    bytes: usize,
}

impl Image {
    /// The image of a program whose segments were seen to lie inside its memory.
    pub fn new(program: &Program) -> Image {
        let bytes = program.memory_bytes as usize;
        let mut words = Vec::with_capacity(program.words.len() * Word::BYTES);
        program.words.iter().for_each(|word| words.extend_from_slice(&word.0.to_le_bytes()));
        debug_assert_eq!(words.len(), program.words.len() * Word::BYTES);
        let mut segments = program.segments.clone();
        segments.push(Segment { address: program.command_address, bytes: words.into() });
        segments.sort_by_key(|segment| segment.address);
        let apart =
            segments.windows(2).all(|pair| pair[0].address + pair[0].bytes.len() as u64 <= pair[1].address);
        if !apart {
            // Nobody but a test has constants over each other; the later one counts.
            segments = vec![Segment { address: 0, bytes: program.initial_memory().into() }];
        }
        Image { segments, bytes }
    }

    /// Makes `part`, which begins at byte `start`, what it is before a run.
    fn restore(&self, start: usize, part: &mut [u8]) {
        part.fill(0);
        self.copy(start, part);
    }

    /// Copies all constants that lie in `part`.
    fn copy(&self, start: usize, part: &mut [u8]) {
        let end = start + part.len();
        let first = self.segments.partition_point(|held| held.address as usize + held.bytes.len() <= start);
        for held in self.segments[first..].iter().take_while(|held| (held.address as usize) < end) {
            let at = held.address as usize;
            let (from, to) = (at.max(start), (at + held.bytes.len()).min(end));
            part[from - start..to - start].copy_from_slice(&held.bytes[from - at..to - at]);
        }
    }
}

/// Which pages of external memory were written since the start of a run, so that the next run puts back only
/// those.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pages: Vec<bool>,
}

impl Written {
    /// Notes a write to `start..end`.
    pub fn note(&mut self, start: usize, end: usize) {
        let last = end.div_ceil(PAGE).min(self.pages.len());
        if let Some(pages) = self.pages.get_mut(start / PAGE..last) {
            pages.fill(true);
        }
    }

    /// Whether `start..end` is what it was before the run: no page of it was written.
    pub fn is_clean(&self, start: usize, end: usize) -> bool {
        let pages = self.pages.get(start / PAGE..end.div_ceil(PAGE).min(self.pages.len()));
        pages.is_some_and(|pages| !pages.contains(&true))
    }

    /// Makes `memory` equal to `image` again.
    pub fn restore(&mut self, memory: &mut Vec<u8>, image: &Image) {
        if memory.len() != image.bytes || self.pages.is_empty() {
            *memory = vec![0; image.bytes];
            image.copy(0, memory);
            self.pages.clear();
            self.pages.resize(image.bytes.div_ceil(PAGE), false);
            return;
        }
        let mut page = 0;
        while let Some(first) = self.pages[page..].iter().position(|&written| written) {
            let first = page + first;
            let count = self.pages[first..].iter().take_while(|&&written| written).count();
            self.pages[first..first + count].fill(false);
            let end = ((first + count) * PAGE).min(memory.len());
            image.restore(first * PAGE, &mut memory[first * PAGE..end]);
            page = first + count;
        }
    }
}
