//! `pack` at speed: eight codes at a time. The codes are those of `bitgauge_arch::codec::pack`.

/// Unpacks codes of `bits` (2 to 7) bits into `containers`; bytes beyond the end of `bytes` are zero.
pub(super) fn unpack(bytes: &[u8], bits: u32, signed: bool, containers: &mut [u8]) {
    match bits {
        2 => unpack_by::<2>(bytes, signed, containers),
        3 => unpack_by::<3>(bytes, signed, containers),
        4 => unpack_by::<4>(bytes, signed, containers),
        5 => unpack_by::<5>(bytes, signed, containers),
        6 => unpack_by::<6>(bytes, signed, containers),
        _ => unpack_by::<7>(bytes, signed, containers),
    }
}

fn unpack_by<const BITS: usize>(bytes: &[u8], signed: bool, containers: &mut [u8]) {
    let sign = if signed { 1u8 << (BITS - 1) } else { 0 };
    let mask = (1u8 << BITS) - 1;
    let eight = |group: &[u8]| {
        let mut word = [0u8; 8];
        word[..group.len()].copy_from_slice(group);
        let word = u64::from_le_bytes(word);
        std::array::from_fn::<u8, 8, _>(|index| {
            let code = (word >> (BITS * index)) as u8 & mask;
            (code ^ sign).wrapping_sub(sign)
        })
    };
    let groups = bytes.as_chunks::<BITS>().0;
    let whole = groups.len().min(containers.len() / 8);
    let (fast, slow) = containers.split_at_mut(8 * whole);
    for (target, group) in fast.as_chunks_mut::<8>().0.iter_mut().zip(groups) {
        *target = eight(group);
    }
    let mut left = &bytes[whole * BITS..];
    for target in slow.chunks_mut(8) {
        let (group, after) = left.split_at(BITS.min(left.len()));
        left = after;
        target.copy_from_slice(&eight(group)[..target.len()]);
    }
}

/// Packs containers into `bytes`, which has room for all of them; the last byte is filled with zeros.
pub(super) fn pack(containers: &[u8], bits: u32, bytes: &mut [u8]) {
    let mask = (1u64 << bits) - 1;
    for (group, target) in containers.chunks(8).zip(bytes.chunks_mut(bits as usize)) {
        let word = group.iter().rev().fold(0u64, |word, &code| word << bits | u64::from(code) & mask);
        let length = target.len();
        target.copy_from_slice(&word.to_le_bytes()[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitgauge_arch::codec::pack as slow;

    #[test]
    fn agrees_with_the_definition() {
        let codes: Vec<u8> = (0..200u32).map(|index| (index * 151 % 256) as u8).collect();
        for bits in 2..8 {
            for count in [0, 1, 7, 8, 9, 16, 63, 64, 65, 200] {
                let expected = slow::encode(&codes[..count], bits);
                let mut packed = vec![0; expected.len()];
                pack(&codes[..count], bits, &mut packed);
                assert_eq!(packed, expected);
                for signed in [false, true] {
                    for cut in [0, 1, 5] {
                        let bytes = &packed[..packed.len() - cut.min(packed.len())];
                        let mut containers = vec![0xaa; count];
                        unpack(bytes, bits, signed, &mut containers);
                        assert_eq!(
                            containers,
                            slow::decode(bytes, count, bits, signed),
                            "{bits} {count} {cut}"
                        );
                    }
                }
            }
        }
    }
}
