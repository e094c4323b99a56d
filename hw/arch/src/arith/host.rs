//! Which vector instructions run on this host.
//!
//! Every choice gives the same bits. `BITGAUGE_KERNEL` (`portable`, `avx2` or `vnni`) keeps to the named
//! instructions and those below them, so that one host can be measured as another.

use std::sync::OnceLock;

/// Vector instructions, each set with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vectors {
    /// Those that every host of the target has.
    Plain,
    /// 256 bits, with fused multiplication and addition.
    Avx2,
    /// 512 bits, of bytes to double words, with masks (F, BW, DQ, VL).
    Avx512,
}

/// What `BITGAUGE_KERNEL` may say, and the most that it then allows.
pub const KERNELS: [(&str, Vectors); 3] =
    [("portable", Vectors::Plain), ("avx2", Vectors::Avx2), ("vnni", Vectors::Avx512)];

/// What `BITGAUGE_KERNEL` says, if it is set and none of [`KERNELS`].
#[must_use]
pub fn unknown_kernel() -> Option<String> {
    let named = std::env::var_os("BITGAUGE_KERNEL").filter(|name| !name.is_empty())?;
    let known = KERNELS.iter().any(|(name, _)| *name == named);
    (!known).then(|| named.to_string_lossy().into_owned())
}

/// The most that `BITGAUGE_KERNEL` allows; all, where it is none of [`KERNELS`].
pub(super) fn most() -> Vectors {
    static MOST: OnceLock<Vectors> = OnceLock::new();
    *MOST.get_or_init(|| {
        let named = std::env::var("BITGAUGE_KERNEL").unwrap_or_default();
        KERNELS.iter().find(|(name, _)| *name == named).map_or(Vectors::Avx512, |(_, most)| *most)
    })
}

/// The best of this host, as far as it is allowed.
#[must_use]
#[inline]
pub fn vectors() -> Vectors {
    static FOUND: OnceLock<Vectors> = OnceLock::new();
    *FOUND.get_or_init(|| detect().min(most()))
}

/// Runs `work` in a copy that is compiled for the widest vectors of this host. Write
/// `widest(#[inline(always)] || ...)`, and mark what the closure calls alike: what stays a call of its own keeps
/// the target's instructions. Nothing is fused or reordered, so every copy gives the same bits.
#[inline]
pub fn widest<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(target_arch = "x86_64")]
    match vectors() {
        // SAFETY: the host has these instructions.
        Vectors::Avx512 => return unsafe { in_512_bits(work) },
        // SAFETY: the host has these instructions.
        Vectors::Avx2 => return unsafe { in_256_bits(work) },
        Vectors::Plain => {}
    }
    work()
}

/// # Safety
///
/// The host has the instructions of [`Vectors::Avx512`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn in_512_bits<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// # Safety
///
/// The host has the instructions of [`Vectors::Avx2`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn in_256_bits<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// The best of this host.
#[cfg(target_arch = "x86_64")]
pub(super) fn detect() -> Vectors {
    let wide = std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512dq")
        && std::arch::is_x86_feature_detected!("avx512vl");
    let fused = std::arch::is_x86_feature_detected!("fma");
    match std::arch::is_x86_feature_detected!("avx2") && fused {
        true if wide => Vectors::Avx512,
        true => Vectors::Avx2,
        false => Vectors::Plain,
    }
}

/// The best of this host.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn detect() -> Vectors {
    Vectors::Plain
}
