//! Reading and writing. What is written is written whole or not at all: to a temporary name in the same
//! folder, then renamed.

use std::borrow::Cow;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use bitgauge_models::onnx::outline::Source;

use crate::cleanup::Temporary;
use crate::failure::Failure;

/// Most bytes of a model, an array or a program: more is no such file, or not one for this machine.
const MOST_BYTES: u64 = 4 << 30;

/// Most bytes of a text that people write.
const MOST_TEXT: u64 = 16 << 20;

/// Reads a file of data.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    read_at_most(path, MOST_BYTES)
}

fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>> {
    let refuse = |message: String| Failure::new(message).at(path.display());
    let too_large = || {
        refuse(format!("the file has more than {most} bytes")).hint("that is more than such a file can have")
    };
    let read = || -> std::io::Result<Option<Vec<u8>>> {
        let file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        if length > most {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(length as usize);
        // Devices and pipes have no length that could be known before.
        file.take(most + 1).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= most).then_some(bytes))
    };
    match read() {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(too_large().into()),
        Err(error) => Err(refuse(format!("cannot read: {error}")).into()),
    }
}

/// Reads `length` bytes from `offset` on; fewer where the file ends.
pub fn read_part(path: &Path, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file that is read part by part, so that it is not held as a whole; what is no regular file (a pipe) is.
pub enum Parts {
    /// A file and its bytes.
    Regular(Mutex<fs::File>, u64),
    /// The bytes.
    Whole(Vec<u8>),
}

impl Parts {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Parts> {
        let refuse = |error: std::io::Error| Failure::new(format!("cannot read: {error}")).at(path.display());
        let file = fs::File::open(path).map_err(refuse)?;
        let about = file.metadata().map_err(refuse)?;
        if about.is_file() && about.len() <= MOST_BYTES {
            return Ok(Parts::Regular(Mutex::new(file), about.len()));
        }
        read(path).map(Parts::Whole)
    }
}

impl Source for Parts {
    fn length(&self) -> u64 {
        match self {
            Parts::Regular(_, length) => *length,
            Parts::Whole(bytes) => bytes.len() as u64,
        }
    }

    fn read(&self, offset: u64, length: usize) -> std::result::Result<Cow<'_, [u8]>, String> {
        let file = match self {
            Parts::Regular(file, _) => file,
            Parts::Whole(bytes) => return Ok(Cow::Owned((&bytes[..]).read(offset, length)?.into_owned())),
        };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = vec![0; length];
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|error| error.to_string())?;
        Ok(Cow::Owned(bytes))
    }
}

/// Reads a text that people write.
pub fn read_text(path: &Path) -> Result<String> {
    text(path, read_at_most(path, MOST_TEXT)?)
}

/// Reads a text that a program writes.
pub fn read_long_text(path: &Path) -> Result<String> {
    text(path, read(path)?)
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes)
        .map_err(|error| Failure::new(format!("not UTF-8 text: {error}")).at(path.display()).into())
}

/// Whether both are one file that exists, however they are spelled.
pub fn same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}

/// Writes a file whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let write = || -> std::io::Result<()> {
        let make = || tempfile::Builder::new().prefix(".bitgauge-").tempfile_in(folder);
        let (mut file, temporary) = Temporary::make(make, |file| file.path())?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        readable_by_all(file.path())?;
        temporary.finish(|| file.persist(path)).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| cannot_write(path, &error))
}

/// Many files that belong together, in a folder of their own that appears only when all are there.
pub struct OutputFolder {
    target: PathBuf,
    staging: tempfile::TempDir,
    temporary: Temporary,
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
        let prefix = format!("{}.tmp-", name.to_string_lossy());
        let make = || tempfile::Builder::new().prefix(&prefix).tempdir_in(parent);
        let (staging, temporary) = fs::create_dir_all(parent)
            .and_then(|()| Temporary::make(make, |folder| folder.path()))
            .map_err(|error| cannot_write(target, &error))?;
        Ok(OutputFolder { target: target.to_owned(), staging, temporary })
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
        let renames = !self.target.exists();
        let put = || match renames {
            true => fs::rename(self.staging.path(), &self.target),
            false => merge(self.staging.path(), &self.target),
        };
        self.temporary.finish(put).map_err(|error| failed(&error))?;
        if renames {
            // What the guard would remove has moved.
            let _ = self.staging.keep();
        }
        Ok(())
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
