//! Random programs: commands of all units with tokens that never deadlock, and words that are none.

use bitgauge_arch::command::{
    Command, Compute, Decoded, Decoder, Encoder, Load, Operation, RegisterFile, Store, Unit, Vector, Word,
};

/// A xorshift generator.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16) % end
    }
    pub fn one_in(&mut self, odds: u64) -> bool {
        self.below(odds) == 0
    }
}

/// What a word does, from the contract's own decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Set(usize),
    Exec(usize, Started),
    End,
    Bad,
}

/// A command as the front sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    pub wait: u8,
    pub signal: u8,
    /// Ports free once it is fed, ports free at its end.
    pub early: u32,
    pub late: u32,
    pub registers: Vec<u32>,
}

fn fill<R: RegisterFile>(last: &mut Vec<i64>, random: &mut Random, change: u64, crowd: u64) -> R {
    last.resize(R::FIELDS.len(), 0);
    for (slot, field) in last.iter_mut().zip(R::FIELDS) {
        let mask = field.name.ends_with("_read") || field.name.ends_with("_write");
        if !random.one_in(if mask { change.min(3) } else { change }) {
            continue;
        }
        let (low, high) = field.range();
        *slot = match mask {
            // Few banks, so that commands meet.
            true if random.one_in(crowd) => 1 << (random.below(2) * 7),
            true => 0,
            false => low + (random.next() >> 8) as i64 % (high - low + 1),
        };
    }
    R::from_values(last)
}

/// What a random program is like.
pub struct Style {
    pub commands: usize,
    /// One field in so many changes from command to command.
    pub change: u64,
    /// One bank mask in so many names a bank.
    pub crowd: u64,
    /// One token in so many is given, and one of those there in so many awaited.
    pub tokens: u64,
    /// A command takes up to so many cycles more than it must.
    pub slow: u64,
    /// One word in so many is followed by one that no encoder makes.
    pub bad: Option<u64>,
}

/// Command words that end with `end`.
pub fn words(random: &mut Random, style: &Style) -> Vec<Word> {
    let mut encoder = Encoder::default();
    let mut fields: [Vec<i64>; 4] = Default::default();
    let mut given = [[0u32; 4]; 4];
    for _ in 0..style.commands {
        let unit = random.below(4) as usize;
        let values = &mut fields[unit];
        let operation = match Unit::ALL[unit] {
            Unit::Load => Operation::Load(fill::<Load>(values, random, style.change, style.crowd)),
            Unit::Compute => Operation::Compute(fill::<Compute>(values, random, style.change, style.crowd)),
            Unit::Vector => Operation::Vector(fill::<Vector>(values, random, style.change, style.crowd)),
            Unit::Store => Operation::Store(fill::<Store>(values, random, style.change, style.crowd)),
        };
        let own = |random: &mut Random| u8::from(random.one_in(3 * style.tokens)) << unit;
        let (mut wait, mut signal) = (own(random), own(random));
        for other in (0..4).filter(|other| *other != unit) {
            // Only what an earlier command gives is awaited: in-order dispatch then cannot lock up.
            if given[other][unit] > 0 && random.one_in(style.tokens) {
                given[other][unit] -= 1;
                wait |= 1 << other;
            }
            if given[unit][other] < 200 && random.one_in(style.tokens) {
                given[unit][other] += 1;
                signal |= 1 << other;
            }
        }
        encoder.push(&Command { wait, signal, operation }).unwrap();
    }
    let mut words = vec![];
    for word in encoder.finish() {
        if style.bad.is_some_and(|odds| random.one_in(odds)) {
            words.push(bad(random));
        }
        words.push(word);
    }
    words
}

fn bad(random: &mut Random) -> Word {
    let header = [
        0x5000_0000, // no such unit
        0x0100_0000, // no unit
        0x1000_0000, // group 0
        0x1004_0000, // load has four groups
        0x2008_0000, // compute has eight
        0x3300_0000, // no such kind
        0x4001_0100, // reserved bits
        0x0201_0000, // `end` of what
        0x0200_0000, // `end` with registers
    ][random.below(9) as usize];
    let word = Word(u128::from(header as u32) << 96 | u128::from(1u64 << random.below(64)) << 7);
    assert_eq!(word.decode(), None);
    word
}

/// What each word does.
pub fn steps(words: &[Word]) -> Vec<Step> {
    let mut decoder = Decoder::default();
    let step = |word: &Word| {
        let Some(decoded) = word.decode() else { return Step::Bad };
        let command = decoder.step(&decoded);
        match (decoded, command) {
            (Decoded::Set { unit, .. }, _) => Step::Set(unit.index()),
            (Decoded::Exec { unit, wait, signal, .. }, Some(command)) => {
                let (early, late, registers) = resolved(&command.operation);
                Step::Exec(unit.index(), Started { wait, signal, early, late, registers })
            }
            _ => Step::End,
        }
    };
    words.iter().map(step).collect()
}

/// Early ports, late ports, registers.
fn resolved(operation: &Operation) -> (u32, u32, Vec<u32>) {
    let ports = |a_read: u32, a_write: u32, w_read: u32, w_write: u32| {
        a_read | a_write << 8 | w_read << 16 | w_write << 24
    };
    match operation {
        Operation::Load(c) => (0, ports(0, c.activation_write, 0, c.weight_write), c.to_registers().unwrap()),
        Operation::Compute(c) => (
            ports(c.activation_read, 0, c.weight_read, 0),
            ports(c.residual_read, c.activation_write, 0, 0),
            c.to_registers().unwrap(),
        ),
        Operation::Vector(c) => (
            0,
            ports(c.activation_read, c.activation_write, c.weight_read, c.weight_write),
            c.to_registers().unwrap(),
        ),
        Operation::Store(c) => (0, ports(c.activation_read, 0, 0, 0), c.to_registers().unwrap()),
    }
}
