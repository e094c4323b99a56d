//! What a run has made on the way and nobody shall find after it: removed when the program is interrupted.
//!
//! SIGINT, SIGTERM and SIGHUP remove every path that is [`Temporary`] at that time, and end the program as they
//! would have. Where a path is about to get its name for good, [`Temporary::finish`] keeps the signal waiting.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

static PATHS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A path that is removed if the program is interrupted while this lives.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    /// Makes something at a path and remembers that; it is the caller's to remove it when all goes well. A signal
    /// waits until it is remembered.
    pub fn make<T>(
        make: impl FnOnce() -> std::io::Result<T>,
        path: impl FnOnce(&T) -> &Path,
    ) -> std::io::Result<(T, Temporary)> {
        let mut paths = PATHS.lock().unwrap_or_else(PoisonError::into_inner);
        let made = make()?;
        let path = path(&made).to_owned();
        paths.push(path.clone());
        Ok((made, Temporary(path)))
    }

    /// Does what gives the path its name for good; a signal waits until that is done.
    pub fn finish<T>(&self, rename: impl FnOnce() -> T) -> T {
        let _waits = PATHS.lock().unwrap_or_else(PoisonError::into_inner);
        rename()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        PATHS.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}

/// Listens to signals from now on.
#[cfg(unix)]
pub fn listen() -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let paths = PATHS.lock().unwrap_or_else(PoisonError::into_inner);
            for path in paths.iter() {
                remove(path);
            }
            // The lock stays: nothing is renamed any more.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// There are no such signals.
#[cfg(not(unix))]
pub fn listen() -> std::io::Result<()> {
    Ok(())
}

/// Removes a file or a folder; others may be writing into it still.
#[cfg(unix)]
fn remove(path: &Path) {
    for _ in 0..20 {
        let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        if removed.is_ok() || !path.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
