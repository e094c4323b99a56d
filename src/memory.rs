//! How the allocator gives memory back.

/// From so many bytes on an allocation lives in pages of its own, which go back to the system when it is freed. Below
/// are the weights and activations of most layers: a new one takes the pages of one before it, and the system need not
/// clear others for it, which took a quarter of a second of quantizing ViT-B.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_PAGES: libc::c_int = 12 << 20;

/// Free memory at the end of the heap that is kept.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 64 << 20;

/// Keeps the peak near the model's size: glibc raises its limit for pages of their own to the size of the largest
/// weights that were freed, and the holes that all later ones leave in the heap were a tenth of the peak.
pub fn prepare() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two integers and changes how later allocations are served, not what they are; no other
    // thread runs yet. A value that it refuses changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_PAGES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}
