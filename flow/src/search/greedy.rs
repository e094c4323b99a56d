//! The search: bit by bit, the one that loses least for what it saves.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bitgauge_models::integer::Assignment;
use rayon::prelude::*;

use super::Settings;
use super::judge::{Judge, Judged};
use super::space::Place;
use crate::error::FlowError;
use crate::hash::sha256;

/// Keeps what was judged, so that a search that was stopped goes on where it was.
pub trait Journal: Sync {
    /// What is known of bits with this hash.
    fn known(&self, key: &str) -> Option<Judged>;
    /// Keeps it.
    fn keep(&self, key: &str, judged: &Judged);
}

/// A journal for as long as the program runs.
#[derive(Debug, Default)]
pub struct Memory(Mutex<BTreeMap<String, Judged>>);

impl Journal for Memory {
    fn known(&self, key: &str) -> Option<Judged> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn keep(&self, key: &str, judged: &Judged) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), *judged);
    }
}

/// A bit that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where; nowhere at the start.
    pub place: Option<Place>,
    /// Bits that are left there.
    pub left: u8,
    /// The network after it.
    pub judged: Judged,
    /// Networks that were judged so far.
    pub judgements: usize,
}

/// Where a search ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The bits.
    pub bits: Assignment,
    /// All steps, the start first.
    pub steps: Vec<Step>,
    /// Whether the goal was reached; otherwise nothing was left to take.
    pub is_met: bool,
}

/// A bit that could be taken.
struct Candidate {
    place: Place,
    /// Loss for what is saved; of a bit that saves nothing, its loss, behind all others.
    score: (bool, f64),
    judged: Judged,
    /// The step at which it was judged.
    at: usize,
}

struct Search<'a> {
    judge: &'a dyn Judge,
    journal: &'a dyn Journal,
    judgements: usize,
}

impl Search<'_> {
    /// Judges assignments side by side; the order is theirs.
    fn judged(&mut self, all: &[Assignment]) -> Result<Vec<Judged>, FlowError> {
        self.judgements += all.len();
        let one = |bits: &Assignment| -> Result<Judged, FlowError> {
            let key = sha256(bits.to_toml().as_bytes());
            if let Some(judged) = self.journal.known(&key) {
                return Ok(judged);
            }
            let judged = self.judge.judge(bits)?;
            self.journal.keep(&key, &judged);
            Ok(judged)
        };
        all.par_iter().map(one).collect()
    }

    /// Judges bits that could be taken at the step `at`; those that change no number are left out.
    fn candidates(
        &mut self,
        places: Vec<Place>,
        now: (&Assignment, &Judged),
        least: u8,
        at: usize,
    ) -> Result<Vec<Candidate>, FlowError> {
        let (bits, before) = now;
        let (places, lowered): (Vec<Place>, Vec<Assignment>) = places
            .into_iter()
            .filter_map(|place| place.lowered(bits, least).map(|bits| (place, bits)))
            .unzip();
        let judged = self.judged(&lowered)?;
        let candidate = |(place, judged): (Place, Judged)| {
            // A copy has the codes of what it is a copy of: nothing is saved there.
            (judged.bits.total() < before.bits.total()).then(|| Candidate {
                score: score(before, &judged),
                place,
                judged,
                at,
            })
        };
        Ok(places.into_iter().zip(judged).filter_map(candidate).collect())
    }
}

/// The less the better, in pairs: what saves nothing comes last.
fn score(before: &Judged, after: &Judged) -> (bool, f64) {
    let (lost, saved) = (after.loss - before.loss, before.cost - after.cost);
    if saved > 0.0 { (false, lost / saved) } else { (true, lost) }
}

fn order(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    a.score.0.cmp(&b.score.0).then(a.score.1.total_cmp(&b.score.1)).then_with(|| a.place.cmp(&b.place))
}

/// Takes bit by bit from `start`, which names every place, until the goal is met or nothing is left; `seen` hears of
/// each step, the start first. What was judged before, the journal knows.
///
/// # Errors
/// A network that cannot be made or run.
pub fn search(
    judge: &dyn Judge,
    start: &Assignment,
    settings: &Settings,
    journal: &dyn Journal,
    mut seen: impl FnMut(&Step),
) -> Result<Outcome, FlowError> {
    let mut search = Search { judge, journal, judgements: 0 };
    let first = search.judged(std::slice::from_ref(start))?;
    let Some(&first) = first.first() else { return Err(FlowError::NoOutput) };
    let mut now = (start.clone(), first);
    let mut steps = vec![Step { place: None, left: 0, judged: first, judgements: 1 }];
    seen(&steps[0]);
    let mut waiting = search.candidates(Place::all(start), (&now.0, &now.1), settings.least, 0)?;
    while !settings.goal.is_met(&first, &now.1) {
        let at = steps.len() - 1;
        waiting.retain(|candidate| settings.goal.wants(&candidate.place, &now.1));
        waiting.sort_by(order);
        let stale = |candidate: &Candidate| candidate.at < at;
        // The best are asked anew until the best of all is of this step: as many at a time as there are threads.
        let most = if settings.lazy { rayon::current_num_threads() } else { usize::MAX };
        if waiting.first().is_some_and(stale) || !settings.lazy && waiting.iter().any(stale) {
            let mut places = Vec::new();
            let mut rest = Vec::new();
            for candidate in waiting {
                if stale(&candidate) && places.len() < most {
                    places.push(candidate.place);
                } else {
                    rest.push(candidate);
                }
            }
            rest.extend(search.candidates(places, (&now.0, &now.1), settings.least, at)?);
            waiting = rest;
            continue;
        }
        if waiting.is_empty() {
            break;
        }
        let taken = waiting.remove(0);
        let Some(bits) = taken.place.lowered(&now.0, settings.least) else { continue };
        now = (bits, taken.judged);
        let left = taken.place.bits(&now.0);
        steps.push(Step {
            place: Some(taken.place.clone()),
            left,
            judged: taken.judged,
            judgements: search.judgements,
        });
        if let Some(step) = steps.last() {
            seen(step);
        }
        if settings.goal.is_met(&first, &now.1) {
            break;
        }
        // Its next bit is asked of before anything else of the next step.
        waiting.extend(search.candidates(vec![taken.place], (&now.0, &now.1), settings.least, at + 1)?);
    }
    let is_met = settings.goal.is_met(&first, &now.1);
    Ok(Outcome { bits: now.0, steps, is_met })
}
