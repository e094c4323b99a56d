//! Reading and writing. What is written is written whole or not at all: to a temporary name in the same
//! folder, then renamed.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::failure::Failure;

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Failure::new(format!("cannot read: {error}")).at(path.display()).into())
}

/// Reads `length` bytes from `offset` on; fewer where the file ends.
pub fn read_part(path: &Path, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a text.
pub fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|error| Failure::new(format!("not UTF-8 text: {error}")).at(path.display()).into())
}

/// Writes a file whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".bitgauge-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        readable_by_all(file.path())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| cannot_write(path, &error))
}

/// Many files that belong together, in a folder of their own that appears only when all are there.
pub struct OutputFolder {
    target: PathBuf,
    staging: tempfile::TempDir,
}

impl OutputFolder {
    /// Makes `DIR.tmp-XXXXXX` beside the target. Fails before any work is done where nothing can be written.
    pub fn create(target: &Path) -> Result<OutputFolder> {
        if target.exists() && !target.is_dir() {
            return Err(Failure::new("the output folder is a file").at(target.display()).into());
        }
        let name = target.file_name().context("the output folder needs a name")?;
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let staging = fs::create_dir_all(parent)
            .and_then(|()| {
                tempfile::Builder::new()
                    .prefix(&format!("{}.tmp-", name.to_string_lossy()))
                    .tempdir_in(parent)
            })
            .map_err(|error| cannot_write(target, &error))?;
        Ok(OutputFolder { target: target.to_owned(), staging })
    }

    /// Writes one file; `name` may hold sub-folders.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.staging.path().join(name);
        let folder = path.parent().unwrap_or(self.staging.path());
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, bytes))
            .map_err(|error| cannot_write(&self.target.join(name), &error))
    }

    /// Puts everything in its place: the folder is renamed, or, where the target exists, each of its files is.
    pub fn finish(self) -> Result<()> {
        let failed = |error: &std::io::Error| cannot_write(&self.target, error);
        readable_by_all(self.staging.path()).map_err(|error| failed(&error))?;
        if !self.target.exists() {
            fs::rename(self.staging.path(), &self.target).map_err(|error| failed(&error))?;
            // What the guard would remove has moved.
            let _ = self.staging.keep();
            return Ok(());
        }
        merge(self.staging.path(), &self.target).map_err(|error| failed(&error))
    }
}

fn merge(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    let mut entries = fs::read_dir(from)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            merge(&entry.path(), &target)?;
        } else {
            fs::rename(entry.path(), target)?;
        }
    }
    Ok(())
}

fn cannot_write(path: &Path, error: &std::io::Error) -> anyhow::Error {
    Failure::new(format!("cannot write: {error}"))
        .at(path.display())
        .hint("choose a folder that can be written to with --output")
        .into()
}

/// Temporary files and folders are private; what a user asked for is as open as other new files.
fn readable_by_all(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
