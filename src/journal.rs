//! What a search judged, on disk: a line each, so that a search that was stopped goes on where it was.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use bitgauge_flow::search::{Bits, Journal, Judged, Share};

use crate::failure::Failure;
use crate::files;

/// First word of the file; the second says of which search it is.
const HEAD: &str = "bitgauge-search-1";

/// A journal in a file.
pub struct FileJournal {
    known: BTreeMap<String, Judged>,
    file: Mutex<File>,
}

impl FileJournal {
    /// Opens the journal of a search, whose `identity` is a hash of all that losses and costs follow from. The journal
    /// of another search is written anew; any other file is refused.
    pub fn open(path: &Path, identity: &str) -> Result<FileJournal> {
        let refuse =
            |error: std::io::Error| Failure::new(format!("cannot write: {error}")).at(path.display());
        let head = format!("{HEAD} {identity}");
        let text = if path.exists() { files::read_long_text(path)? } else { String::new() };
        if !text.is_empty() && !text.starts_with(HEAD) {
            let fault =
                Failure::new("a search keeps its journal here, and the file is none").at(path.display());
            return Err(fault.hint("give --output another name, or move the file away").into());
        }
        let same = text.lines().next() == Some(&head);
        let mut known = BTreeMap::new();
        if same {
            // A search that was killed may have left half a line behind.
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            known.extend(whole.lines().skip(1).filter_map(read));
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(refuse)?;
        if !same || !text.ends_with('\n') {
            file.set_len(0).map_err(refuse)?;
            let lines = known.iter().map(|(key, judged)| line(key, judged));
            let text: String = std::iter::once(head + "\n").chain(lines).collect();
            file.write_all(text.as_bytes()).map_err(refuse)?;
        }
        Ok(FileJournal { known, file: Mutex::new(file) })
    }

    /// How many networks were judged before.
    pub fn known(&self) -> usize {
        self.known.len()
    }
}

impl Journal for FileJournal {
    fn known(&self, key: &str) -> Option<Judged> {
        self.known.get(key).copied()
    }

    fn keep(&self, key: &str, judged: &Judged) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be kept is judged again next time.
        let _ = file.write_all(line(key, judged).as_bytes());
    }
}

/// Rust writes the shortest digits that read as the same number.
fn line(key: &str, judged: &Judged) -> String {
    let Judged { loss, cost, bits: Bits { weights, activations } } = judged;
    format!(
        "{key} {loss} {cost} {} {} {} {}\n",
        weights.bits, weights.count, activations.bits, activations.count
    )
}

fn read(line: &str) -> Option<(String, Judged)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [key, loss, cost, rest @ ..] = &words[..] else { return None };
    let numbers: Vec<u64> = rest.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
    let [weight_bits, weights, activation_bits, activations] = numbers[..] else { return None };
    let bits = Bits {
        weights: Share { bits: weight_bits, count: weights },
        activations: Share { bits: activation_bits, count: activations },
    };
    Some(((*key).to_owned(), Judged { loss: loss.parse().ok()?, cost: cost.parse().ok()?, bits }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(loss: f64) -> Judged {
        let weights = Share { bits: 21, count: 3 };
        Judged { loss, cost: 1e300, bits: Bits { weights, activations: Share { bits: u64::MAX, count: 1 } } }
    }

    #[test]
    fn what_was_kept_is_known_even_after_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let exact = [0.1 + 0.2, f64::MIN_POSITIVE, f64::INFINITY];
        let journal = FileJournal::open(&path, "one").unwrap();
        exact.iter().enumerate().for_each(|(at, &loss)| journal.keep(&at.to_string(), &judged(loss)));
        drop(journal);
        // Killed in the middle of a line, which could be read as another number.
        let mut text = std::fs::read_to_string(&path).unwrap();
        text += "9 0.25 1 2 3 4 5";
        std::fs::write(&path, &text).unwrap();
        let journal = FileJournal::open(&path, "one").unwrap();
        assert_eq!(FileJournal::known(&journal), 3);
        for (at, &loss) in exact.iter().enumerate() {
            assert_eq!(Journal::known(&journal, &at.to_string()), Some(judged(loss)));
        }
        journal.keep("4", &judged(1.0));
        drop(journal);
        assert_eq!(FileJournal::open(&path, "one").unwrap().known(), 4);
        let other = folder.path().join("mine.journal");
        std::fs::write(&other, "Dear diary\n").unwrap();
        let refused = FileJournal::open(&other, "one").err().unwrap().to_string();
        assert!(refused.contains("the file is none"), "{refused}");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "Dear diary\n");
        // Of another search nothing is known.
        assert_eq!(FileJournal::open(&path, "other").unwrap().known(), 0);
        assert_eq!(FileJournal::open(&path, "one").unwrap().known(), 0);
    }
}
