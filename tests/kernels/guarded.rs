//! Memory with nothing on either side: one element too far ends the process.

use std::ops::{Deref, DerefMut};

/// Which neighbour is guarded without a byte between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// In front of the first element lies what may not be touched.
    First,
    /// Behind the last element lies what may not be touched.
    Last,
}

/// Elements at the edge of pages that may not be touched.
pub struct Guarded<T: Copy> {
    pages: *mut libc::c_void,
    bytes: usize,
    elements: *mut T,
    count: usize,
}

impl<T: Copy> Guarded<T> {
    /// A copy of the values.
    pub fn new(values: &[T], edge: Edge) -> Guarded<T> {
        // SAFETY: a question.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let size = size_of_val(values);
        let inside = size.div_ceil(page).max(1) * page;
        let bytes = inside + 2 * page;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new memory, which nobody else knows, without access at first.
        let pages = unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(pages, libc::MAP_FAILED, "no memory");
        // SAFETY: the pages between the first and the last are ours.
        let opened =
            unsafe { libc::mprotect(pages.byte_add(page), inside, libc::PROT_READ | libc::PROT_WRITE) };
        assert_eq!(opened, 0, "no access");
        let offset = page + if edge == Edge::First { 0 } else { inside - size };
        // SAFETY: the offset is inside, and the values fit behind it; a page is aligned for any of them, and so is
        // what lies a multiple of their size before its end.
        let elements = unsafe {
            let elements = pages.byte_add(offset).cast::<T>();
            std::ptr::copy_nonoverlapping(values.as_ptr(), elements, values.len());
            elements
        };
        Guarded { pages, bytes, elements, count: values.len() }
    }
}

impl<T: Copy> Deref for Guarded<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: they were written when this was made.
        unsafe { std::slice::from_raw_parts(self.elements, self.count) }
    }
}

impl<T: Copy> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as for reading, and nobody else has them.
        unsafe { std::slice::from_raw_parts_mut(self.elements, self.count) }
    }
}

impl<T: Copy> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: mapped when this was made, and of no use to anybody from here on.
        unsafe { libc::munmap(self.pages, self.bytes) };
    }
}
