//! Do beats come in the order of the feeder? Its own sequence and lanes deal the same, kind by kind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bitgauge_arch::Accelerator;
use bitgauge_arch::energy::{Activity, element_module};
use bitgauge_arch::mac::Operands;
use bitgauge_gates::operands::draw;
use bitgauge_gates::order::fold;
use bitgauge_rtl::prelude::Sig;
use bitgauge_rtl::units::Shape;
use bitgauge_rtl::units::compute::feed::digits::{self, Digits};
use bitgauge_rtl::units::compute::feed::fuse::Fuse;
use bitgauge_rtl::units::compute::feed::planes::{Planes, Token};
use bitgauge_rtl::units::compute::feed::sequence::Sequence;
use bitgauge_rtl::units::mac::{flag, mode};
use rust_hdl::prelude::{Block, Clock, In, Signal, simulate};

const DESIGNS: [&str; 6] = [
    include_str!("../../../designs/reference-16x16.toml"),
    include_str!("../../../designs/fixed-4-lanes-8x8.toml"),
    include_str!("../../../designs/ecp5-8x8.toml"),
    include_str!("../../../designs/serial-16x16.toml"),
    include_str!("../../../designs/serial-8-bit-slices-16x8.toml"),
    include_str!("../../../designs/fusible-8x8.toml"),
];

fn tick<B: Block>(unit: &mut B, clock: fn(&mut B) -> &mut Signal<In, Clock>) {
    for level in [false, true] {
        clock(unit).next.clk = level;
        assert!(simulate(unit, 1000));
    }
}

fn value(signal: &Sig) -> u64 {
    u64::try_from(signal.val().value()).unwrap()
}

/// A line of codes as a lane gets it, by planes: word `c g + p` has bit p of each code of group g, of containers of c bits.
fn planes(codes: &[i64], shape: &Shape, container: usize) -> Vec<u64> {
    let (lanes, bits) = (shape.mac.lanes, 8 >> container);
    let code = |at: usize| codes.get(at).copied().unwrap_or(0);
    let word = |slot: usize| {
        let (group, place) = (slot / bits, slot % bits);
        (0..lanes).fold(0, |word, v| word | ((code(group * lanes + v) >> place) as u64 & 1) << v)
    };
    (0..8 * shape.line / lanes).map(word).collect()
}

#[test]
fn serial_elements_get_what_sequence_and_lanes_deal() {
    for text in &DESIGNS[3..5] {
        for (activation_bits, weight_bits, signed, container, tag_shift) in [
            (8, 8, true, 0, 0),
            (5, 3, false, 0, 0),
            (2, 7, true, 0, 0),
            (4, 4, true, 1, 0),
            (3, 4, false, 1, 0),
            (2, 2, true, 2, 0),
            (8, 5, true, 0, 8),
            (3, 4, false, 1, 5),
        ] {
            let mut accelerator = Accelerator::from_toml(text).unwrap();
            accelerator.array.tag_shift = tag_shift;
            let shape = Shape::of(&accelerator);
            let token = Token::of(&shape);
            let two_scaled = tag_shift > 0;
            let operands = Operands { two_scaled, ..Operands::uniform(activation_bits, weight_bits) };
            let activity = Activity::of(signed);
            // Two groups of codes in a line where it has them.
            let count = (shape.line << container).min(2 * shape.mac.lanes);
            let codes = draw(activity, operands, count, 7);
            let beats = fold(&shape.mac, operands, &codes);
            let mut sequence = Sequence::new(&shape);
            sequence.connect_all();
            sequence.channels.next = (count as i64).into();
            sequence.activation_bits.next = i64::from(activation_bits % 8).into();
            sequence.weight_bits.next = i64::from(weight_bits % 8).into();
            sequence.container.next = (container as i64).into();
            sequence.signed.next = signed;
            sequence.tag_shift.iter_mut().for_each(|port| port.next = i64::from(tag_shift).into());
            // The tag is above the payload.
            let tag = |at: usize| i64::from(codes.is_coarse(at)) << operands.payload_bits();
            let payload = |code: i64| code & ((1 << operands.payload_bits()) - 1);
            let tagged = |(at, &code): (usize, &i64)| {
                if two_scaled { payload(code) | tag(at) } else { code }
            };
            let activations: Vec<i64> = codes.activations.iter().enumerate().map(tagged).collect();
            let (mut row, mut column) = (Planes::row(&shape), Planes::column(&shape));
            row.connect_all();
            column.connect_all();
            for (lane, codes) in [(&mut row, &activations), (&mut column, &codes.weights)] {
                for (signal, word) in lane.data.iter_mut().zip(planes(codes, &shape, container)) {
                    signal.next = i128::from(word).into();
                }
            }
            tick(&mut sequence, |unit| &mut unit.clock);
            sequence.settle.next = true;
            tick(&mut sequence, |unit| &mut unit.clock);
            sequence.settle.next = false;
            sequence.issue.next = true;
            for (index, beat) in beats.iter().enumerate() {
                let place = format!("{activation_bits} x {weight_bits}, beat {index}");
                tick(&mut sequence, |unit| &mut unit.clock);
                assert_eq!(value(&sequence.mode), beat.mode, "{place}");
                let own = !(1 << flag::VALID | 1 << flag::FIRST | 1 << flag::LAST);
                assert_eq!(value(&sequence.flags), beat.flags & own, "{place}");
                let fresh = u64::from(index == 0) << token.fresh();
                for lane in [&mut row, &mut column] {
                    lane.token_in.next = i128::from(value(&sequence.token) | fresh).into();
                    tick(lane, |unit| &mut unit.clock);
                }
                let dealt = |lane: &Planes| -> Vec<u64> { lane.code.iter().map(value).collect() };
                assert_eq!(dealt(&row), beat.a, "{place}");
                assert_eq!(dealt(&column), beat.w, "{place}");
            }
        }
    }
}

#[test]
fn fusible_elements_get_what_lanes_deal() {
    let shape = Shape::of(&Accelerator::from_toml(DESIGNS[5]).unwrap());
    for (activation_bits, weight_bits, signed, container) in [
        (8, 8, true, 0),
        (6, 3, false, 0),
        (2, 7, true, 0),
        (4, 4, true, 1),
        (3, 2, false, 1),
        (2, 4, true, 1),
        (2, 2, true, 2),
    ] {
        let operands = Operands::uniform(activation_bits, weight_bits);
        let codes = draw(Activity::of(signed), operands, (shape.line << container).min(32), 7);
        let beats = fold(&shape.mac, operands, &codes);
        let mut fuse = Fuse::default();
        fuse.connect_all();
        fuse.activation_bits.next = i64::from(activation_bits % 8).into();
        fuse.weight_bits.next = i64::from(weight_bits % 8).into();
        fuse.container.next = (container as i64).into();
        assert!(simulate(&mut fuse, 1000));
        // The line, as codes of the container lie in words of 32 bits.
        let words = |codes: &[i64]| -> Vec<u64> {
            let (bits, mut words) = (8 >> container, vec![0; shape.line / 4]);
            for (at, code) in codes.iter().enumerate() {
                words[at * bits / 32] |= (*code as u64 & ((1 << bits) - 1)) << (at * bits % 32);
            }
            words
        };
        let (mut row, mut column) = (Digits::row(&shape), Digits::column(&shape));
        row.connect_all();
        column.connect_all();
        for (lane, codes) in [(&mut row, &codes.activations), (&mut column, &codes.weights)] {
            for (signal, word) in lane.data.iter_mut().zip(words(codes)) {
                signal.next = i128::from(word).into();
            }
        }
        for (index, beat) in beats.iter().enumerate() {
            let place = format!("{activation_bits} x {weight_bits}, beat {index}");
            let first = (index as u64) << value(&fuse.bytes);
            let token = first
                | value(&fuse.choice) << digits::choice_low(&shape)
                | 1 << digits::live(&shape)
                | u64::from(index == 0) << digits::fresh(&shape);
            for lane in [&mut row, &mut column] {
                lane.token_in.next = i128::from(token).into();
                tick(lane, |unit| &mut unit.clock);
            }
            assert_eq!(vec![value(&row.code[0])], beat.a, "{place}");
            assert_eq!(vec![value(&column.code[0])], beat.w, "{place}");
            assert_eq!(u64::from(signed) | value(&fuse.join) << mode::JOIN, beat.mode, "{place}");
        }
    }
}

/// What prices a design finds the rows of its elements by their name.
#[test]
fn elements_are_called_alike_here_and_in_the_verilog() {
    for text in DESIGNS {
        let accelerator = Accelerator::from_toml(text).unwrap();
        assert_eq!(element_module(&accelerator), format!("pe_{}", Shape::of(&accelerator).mac.name()));
    }
}
