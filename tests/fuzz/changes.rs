//! Changes to bytes, drawn from a script of bytes: equal scripts make equal inputs.

/// Numbers one after another out of bytes; zeros when they are used up.
pub struct Script<'a>(pub &'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number below a bound; 0 where the bound is.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = usize::from_le_bytes([self.byte(), self.byte(), self.byte(), 0, 0, 0, 0, 0]);
        wide % bound.max(1)
    }

    /// One of some.
    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Places of bytes whose neighbours look like text or small numbers: names, types, shapes, attributes.
pub fn text_like(bytes: &[u8]) -> Vec<usize> {
    let plain = |byte: &u8| *byte < 0x80;
    (0..bytes.len())
        .filter(|&at| {
            let near = &bytes[at.saturating_sub(6)..(at + 6).min(bytes.len())];
            near.iter().all(plain)
        })
        .collect()
}

/// The bytes with up to eight changes at some of the places.
pub fn changed(bytes: &[u8], places: &[usize], script: &mut Script<'_>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=script.below(8) {
        if bytes.is_empty() {
            break;
        }
        let at = places.get(script.below(places.len())).copied().unwrap_or(0).min(bytes.len() - 1);
        match script.below(7) {
            0 => bytes[at] ^= 1 << script.below(8),
            1 => bytes[at] = script.of(&[0, 1, 0x7f, 0x80, 0xff, b'0', b'9', b'-', b'"']),
            2 => bytes.truncate(at),
            3 => {
                let end = (at + 1 + script.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let end = (at + 1 + script.below(64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = script.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            5 => {
                // A number of several bytes, as large as it gets.
                let end = (at + 9).min(bytes.len());
                bytes[at..end].fill(0xff);
            }
            _ => bytes[at] = script.byte(),
        }
    }
    bytes
}
