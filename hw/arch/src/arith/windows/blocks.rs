//! What the kernels have in common: 32 channels at a time, in four vectors of eight sums each.
//!
//! Interleaving stays within halves of a vector, which is where it costs least. So the sums of vector `n` are those
//! of channels `4n..4n + 4` and `16 + 4n..16 + 4n + 4` of the block, and narrowing, which stays within halves too,
//! brings them back into order.

/// Channels of a block.
pub(super) const BLOCK: usize = 32;

/// Defines `run` for a module that has `TAPS`, the number of taps that go together, and these functions:
/// `weights` and `codes` interleave so many vectors of bytes, `add` multiplies and adds, `middle` is the code 128
/// as `codes` would have it, and `Ends`, made of factors, rests, bases with the zero point in them, and clamps, makes
/// bytes of sums.
macro_rules! blocks {
    ($features:literal, $nine:literal, $all:literal) => {
        /// # Safety
        ///
        /// The host has the instructions; the window has 9 or 25 taps over channels by the sixteen; weights, scales
        /// and the output have what every pixel needs, and so has every tap that `places` names.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn run(job: &Depthwise<'_>, places: &impl Places, out: &mut [u8]) {
            let signed = job.sign == Signedness::Signed;
            // SAFETY: passed on from the caller.
            unsafe {
                match (job.taps, signed, job.channels < BLOCK) {
                    (9, false, false) => blocks::<9, $nine, false, false>(job, places, out),
                    (9, true, false) => blocks::<9, $nine, true, false>(job, places, out),
                    (9, false, true) => blocks::<9, $nine, false, true>(job, places, out),
                    (9, true, true) => blocks::<9, $nine, true, true>(job, places, out),
                    (_, false, false) => blocks::<25, $all, false, false>(job, places, out),
                    (_, true, false) => blocks::<25, $all, true, false>(job, places, out),
                    (_, false, true) => blocks::<25, $all, false, true>(job, places, out),
                    (_, true, true) => blocks::<25, $all, true, true>(job, places, out),
                }
            }
        }

        /// `HALF`: there are sixteen channels in all.
        ///
        /// # Safety
        ///
        /// As for [`run`], with `COUNT` taps.
        #[target_feature(enable = $features)]
        unsafe fn blocks<const COUNT: usize, const GROUPS: usize, const SIGNED: bool, const HALF: bool>(
            job: &Depthwise<'_>,
            places: &impl Places,
            out: &mut [u8],
        ) {
            // SAFETY: used below where these bytes exist.
            let load = |bytes: *const u8| unsafe {
                if HALF {
                    _mm256_zextsi128_si256(_mm_loadu_si128(bytes.cast()))
                } else {
                    _mm256_loadu_si256(bytes.cast())
                }
            };
            // Four-byte values of the channels of a vector of sums.
            // SAFETY: used below where these values exist.
            let quarters = |values: *const __m128i| unsafe {
                std::array::from_fn::<__m256i, 4, _>(|quarter| {
                    let low = _mm_loadu_si128(values.add(quarter));
                    let high =
                        if HALF { _mm_setzero_si128() } else { _mm_loadu_si128(values.add(4 + quarter)) };
                    _mm256_set_m128i(high, low)
                })
            };
            let mut first = 0;
            loop {
                let mut all = [[_mm256_setzero_si256(); 4]; GROUPS];
                // SAFETY: the scales have a block from `first` on.
                let (mut starts, ends) = unsafe {
                    let scales = job.scales;
                    let reals = |of: &[f32]| quarters(of.as_ptr().add(first).cast());
                    let codes = |of: &[i32]| quarters(of.as_ptr().add(first).cast());
                    let base = codes(&scales.base)
                        .map(|base| _mm256_add_epi32(base, _mm256_set1_epi32(job.post.zero_point)));
                    (
                        codes(&scales.shift),
                        Ends::new(reals(&scales.factor), reals(&scales.rest), base, &job.post),
                    )
                };
                for (group, places) in all.iter_mut().enumerate() {
                    let mut taps = [_mm256_setzero_si256(); TAPS];
                    for (tap, bytes) in (TAPS * group..COUNT).zip(&mut taps) {
                        // SAFETY: every tap has a block of weights from `first` on.
                        *bytes = load(unsafe { job.weights.as_ptr().add(tap * job.step + first) });
                    }
                    *places = weights(taps);
                    if SIGNED {
                        for (start, &weights) in starts.iter_mut().zip(places.iter()) {
                            *start = _mm256_sub_epi32(*start, add(_mm256_setzero_si256(), middle(), weights));
                        }
                    }
                }
                for pixel in 0..places.pixels() {
                    let mut sums = starts;
                    for (group, weights) in all.iter().enumerate() {
                        // What stands in for taps beyond the last has weights of zero.
                        let taps = std::array::from_fn(|tap| {
                            let tap = (TAPS * group + tap).min(COUNT - 1);
                            // SAFETY: every tap of a pixel has a block of codes from `first` on.
                            let bytes = load(unsafe { places.tap(pixel, tap).add(first) });
                            if SIGNED { _mm256_xor_si256(bytes, _mm256_set1_epi8(i8::MIN)) } else { bytes }
                        });
                        for ((sum, codes), &weights) in sums.iter_mut().zip(codes(taps)).zip(weights) {
                            *sum = add(*sum, codes, weights);
                        }
                    }
                    let bytes = ends.finish(sums);
                    // SAFETY: the output has the pixel's channels.
                    unsafe {
                        let target = out.as_mut_ptr().add(places.output(pixel) * job.channels + first);
                        if HALF {
                            _mm_storeu_si128(target.cast(), _mm256_castsi256_si128(bytes));
                        } else {
                            _mm256_storeu_si256(target.cast(), bytes);
                        }
                    }
                }
                if first + BLOCK >= job.channels {
                    return;
                }
                // The last block may take channels of the one before it once more.
                first = (first + BLOCK).min(job.channels - BLOCK);
            }
        }
    };
}
