//! The load unit and a length table that lies: it says so.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

use bitgauge_arch::Accelerator;
use bitgauge_arch::codec::{Codec, Format, encode, length_entry};
use bitgauge_arch::command::{Load, RegisterFile};
use bitgauge_rtl::units::load::Load as Unit;
use bitgauge_rtl::units::shape::Shape;
use rust_hdl::prelude::{Block, simulate};
use std::collections::VecDeque;

const TABLE: usize = 4096;
const STRIDE: usize = 512;

fn accelerator() -> Accelerator {
    let text = include_str!("../../../designs/reference-8x8.toml");
    Accelerator::from_toml(text).unwrap()
}

/// Three blocks of coded bytes and their table, some entries off by so much.
fn memory(accelerator: &Accelerator, load: &Load, wrong: &[(usize, i16)]) -> Vec<u8> {
    let bus = accelerator.bus_bytes() as usize;
    let mut memory = vec![0; 8192];
    for block in 0..load.blocks as usize {
        // Some zeros: the block shrinks, and its lines end within beats.
        let code =
            |index: usize| if (index + block).is_multiple_of(3) { 1 + (index * 37) as u8 % 255 } else { 0 };
        let codes: Vec<u8> = (0..(load.pixels * load.channels) as usize).map(code).collect();
        let format = Format { signed: false, ..load.format() };
        let coded = encode(format, &codes, bus);
        assert!(!coded.escaped);
        memory[block * STRIDE..][..coded.bytes.len()].copy_from_slice(&coded.bytes);
        let off: i16 = wrong.iter().filter(|wrong| wrong.0 == block).map(|wrong| wrong.1).sum();
        let entry = length_entry(&coded, bus).wrapping_add_signed(off);
        memory[TABLE + 2 * block..][..2].copy_from_slice(&entry.to_le_bytes());
    }
    memory
}

/// Runs a command in a fresh unit: whether the error was seen, and whether it stayed. A command of
/// which beats are missing may not end.
fn run(accelerator: &Accelerator, load: &Load, wrong: &[(usize, i16)]) -> (bool, bool) {
    let mut unit = Unit::new(&Shape { zvc: true, ..Shape::of(accelerator) });
    unit.connect_all();
    let unit = &mut unit;
    let memory = memory(accelerator, load, wrong);
    let bus = accelerator.bus_bytes() as usize;
    for (signal, register) in unit.registers.iter_mut().zip(load.to_registers().unwrap()) {
        signal.next = i64::from(register).into();
    }
    // Beats to come: address, for the table.
    let mut beats: VecDeque<(usize, bool)> = VecDeque::new();
    let (mut error, mut last) = (false, 1000);
    for now in 0..1000 {
        if now == last {
            break;
        }
        unit.start.next = now == 0;
        (unit.load_beat.next, unit.table_beat.next) = (false, false);
        if let Some((address, table)) = beats.pop_front() {
            (unit.load_beat.next, unit.table_beat.next) = (!table, table);
            for (word, signal) in unit.beat.iter_mut().enumerate() {
                let bytes = memory[address + 4 * word..][..4].try_into().unwrap();
                signal.next = i64::from(u32::from_le_bytes(bytes)).into();
            }
        }
        unit.clock.next.clk = false;
        assert!(simulate(unit, 1000));
        // A request is granted at once.
        unit.grant.next = unit.request.val();
        assert!(simulate(unit, 1000));
        if unit.request.val() {
            let (address, count) = (unit.address.val().value() as usize, unit.beats.val().value() as usize);
            beats.extend((0..count).map(|beat| (address + beat * bus, unit.load_table.val())));
        }
        error |= now > 0 && unit.error.val();
        if unit.done.val() {
            last = now + 20;
        }
        unit.clock.next.clk = true;
        assert!(simulate(unit, 1000));
    }
    (error, unit.error.val())
}

#[test]
fn a_wrong_length_is_an_error() {
    let accelerator = accelerator();
    let load = Load {
        length_table: TABLE as u32,
        external_block_stride: STRIDE as u32,
        blocks: 3,
        block_stride: 64,
        pixels: 6,
        pixel_stride: 4,
        channels: 27,
        codec: Codec::Zvc.code(),
        value_bits: 8,
        ..Load::default()
    };
    assert_eq!(run(&accelerator, &load, &[]), (false, false));
    // Too large, too small, and two whose sum is right.
    let off = [(0, 1), (0, -1), (1, 1), (1, -1), (2, 1), (2, -1), (2, 4), (2, -4)];
    for wrong in off.map(|off| vec![off]).into_iter().chain([vec![(0, 1), (1, -1)]]) {
        assert_eq!(run(&accelerator, &load, &wrong), (true, true), "{wrong:?}");
    }
}
