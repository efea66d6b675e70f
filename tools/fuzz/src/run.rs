//! Runs a target on inputs of the seeded mutator and reports the findings.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::measure::measured;
use crate::mutate::Mutator;
use crate::random::Random;
use crate::{Exact, Target, TargetEntry, Verdict};

/// Bytes of memory that an input may take for each of its own, beyond [`Target::memory`].
const MEMORY_FACTOR: usize = 64;
/// Processor time that an input may take.
const MOST_TIME: Duration = Duration::from_secs(5);
/// Time after which a target that is still at an input counts as hanging: the machine may be busy with other things.
const HANGING: Duration = Duration::from_secs(120);

/// Something that must not be.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Number of the input.
    pub input: u64,
    /// The input.
    pub bytes: Vec<u8>,
    /// What happened.
    pub what: String,
}

/// What came of a target's inputs.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Inputs that were read.
    pub accepted: u64,
    /// Inputs that were refused.
    pub rejected: u64,
    /// Findings, the first of each kind.
    pub findings: Vec<Finding>,
    /// All findings.
    pub found: u64,
    /// Most memory that an input took, in bytes.
    pub memory: usize,
    /// Most processor time that an input took.
    pub time: Duration,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, rejected, found, memory, time, .. } = self;
        write!(
            f,
            "{} inputs, {accepted} accepted, {rejected} rejected, {found} findings, at most {:.1} MiB and {:.0} ms an \
             input",
            accepted + rejected + found,
            *memory as f64 / f64::from(1 << 20),
            1000.0 * time.as_secs_f64(),
        )
    }
}

/// Runs the inputs of these numbers.
///
/// # Panics
/// If a seed itself is not read: there is no target then.
pub fn run(entry: &TargetEntry, seed: u64, inputs: Range<u64>) -> Tally {
    // Work that readers give to rayon's threads is done, and so measured, on this one. A thread can only be made a
    // pool once.
    let _pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    let mut target = (entry.make)();
    let seeds = target.seeds().to_vec();
    let sound: Vec<u64> = seeds.iter().map(|bytes| sound(entry.name, target.as_mut(), bytes)).collect();
    let mutator = Mutator::new(&seeds);
    let mut tally = Tally::default();
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let watch = Watch::over(entry.name, seed);
    for input in inputs {
        watch.begin(input);
        let mut random = Random::of_input(seed, input);
        let sealed = if random.once_in(2) { target.sealed(&mut random) } else { None };
        let is_sealed = sealed.is_some();
        let (bytes, changes) = sealed.map_or_else(|| mutator.mutant(&mut random), |bytes| (bytes, 1));
        let exact = match target.exact() {
            Exact::Always => !is_sealed,
            Exact::OneChange => !is_sealed && changes == 1,
            Exact::Never => false,
        };
        let (outcome, cost) =
            measured(|| format!("target {}, seed {seed}, input {input}", entry.name), || target.check(&bytes));
        tally.memory = tally.memory.max(cost.memory);
        tally.time = tally.time.max(cost.time);
        let bound = bytes.len() * MEMORY_FACTOR + target.memory();
        let what = match outcome {
            Err(panic) => Some(panic),
            _ if cost.memory > bound => Some(format!("takes {} bytes of memory", cost.memory)),
            _ if cost.refused.is_some() => Some(format!("asks for {:?} bytes of memory at once", cost.refused)),
            _ if cost.time > MOST_TIME => Some(format!("takes {:?}", cost.time)),
            Ok(Verdict::Rejected(message)) if !message.contains(target.named()) => {
                Some(format!("a message does not name what it is about: {message}"))
            }
            Ok(Verdict::Accepted(values)) if exact && !sound.contains(&values) => {
                Some("accepted with other values than were written".to_owned())
            }
            Ok(Verdict::Accepted(_)) => {
                tally.accepted += 1;
                None
            }
            Ok(Verdict::Rejected(_)) => {
                tally.rejected += 1;
                None
            }
        };
        if let Some(what) = what {
            tally.found += 1;
            let kind = kind(&what);
            let seen = kinds.entry(kind).or_default();
            *seen += 1;
            if *seen == 1 {
                tally.findings.push(Finding { input, bytes, what });
            }
        }
    }
    tally
}

/// What a seed reads as.
fn sound(name: &str, target: &mut dyn Target, bytes: &[u8]) -> u64 {
    match target.check(bytes) {
        Verdict::Accepted(values) => values,
        Verdict::Rejected(message) => panic!("a seed of target {name} is refused: {message}"),
    }
}

/// A message without its numbers, so that the same thing is told once.
fn kind(what: &str) -> String {
    let first = what.lines().take(2).collect::<Vec<_>>().join(" ");
    first.chars().filter(|character| !character.is_ascii_digit()).take(160).collect()
}

/// Looks after a target from a thread of its own, and ends the process with a message if an input takes forever.
struct Watch {
    /// The number of the input under way plus one; 0 at the end.
    input: std::sync::Arc<AtomicU64>,
}

impl Watch {
    fn over(name: &'static str, seed: u64) -> Self {
        let input = std::sync::Arc::new(AtomicU64::new(u64::MAX));
        let watched = std::sync::Arc::clone(&input);
        std::thread::spawn(move || {
            let (mut last, mut since) = (u64::MAX, Instant::now());
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let now = watched.load(Ordering::Relaxed);
                if now == 0 {
                    return;
                }
                if now != last {
                    (last, since) = (now, Instant::now());
                } else if now != u64::MAX && since.elapsed() > HANGING {
                    // Past the harness, which an abort would take this with.
                    let said = format!("target {name}: seed {seed}, input {}: hangs\n", now - 1);
                    let _ = std::io::stderr().write_all(said.as_bytes());
                    std::process::abort();
                }
            }
        });
        Self { input }
    }

    fn begin(&self, input: u64) {
        self.input.store(input + 1, Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.input.store(0, Ordering::Relaxed);
    }
}
