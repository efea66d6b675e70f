//! What a run will take on this machine, from a sample of it.
//!
//! The stages really run on two samples, the first `n` records of the first part and the first third of those. Seconds
//! of conversion and counting follow the line through both (a fixed cost and one a record); the search for similar
//! authors and the sizes of the counts follow a power of the records. Training and the text model are measured on
//! fewer records, and are proportional to them.

mod advice;
mod extrapolate;
mod sample;
mod table;

use std::fs;
use std::path::Path;

use serde::Serialize;

use self::extrapolate::{Line, Point, Power, spilled};
use self::sample::{Copied, Sample, copy_lines};
use super::run::raw_parts;
use super::{PipelineError, Stage};
use crate::config::{Config, machine_memory};
use crate::progress::{Progress, Unit};
use crate::workspace::{Workspace, WorkspaceError};

/// Records of the sample if nothing else is asked for: three blocks of a part.
pub const RECORDS: u64 = 3 * 65_536;
/// Records on which training is tried.
const TRAINED: u64 = 8192;
/// Validation records of a sample, at least.
const FEW: u64 = 200;
/// The text model is tried on ever more records until it takes so many seconds.
const EMBED_SECONDS: f64 = 3.0;
/// What an example waiting for training takes, see `train/buckets.rs`.
const EXAMPLE_BYTES: f64 = 150.0;

/// How to plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Records of the sample, at most.
    pub records: u64,
}

/// What is expected of a stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StagePlan {
    /// The stage's name.
    pub stage: &'static str,
    /// Records it works on.
    pub records: u64,
    /// Time it takes.
    pub seconds: f64,
    /// Memory it takes, in bytes.
    pub memory: u64,
    /// Bytes it leaves on disk.
    pub written: u64,
    /// Most bytes of spill files, while it runs.
    pub temporary: u64,
}

/// What is expected of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Raw training parts.
    pub parts: usize,
    /// Training records in them.
    pub training_records: u64,
    /// Validation records.
    pub validation_records: u64,
    /// Bytes of raw text.
    pub raw_bytes: u64,
    /// The stages, in their order; without a text model those before `embed`.
    pub stages: Vec<StagePlan>,
    /// Bytes in `parts/` afterwards.
    pub parts_bytes: u64,
    /// Bytes in `features/` afterwards.
    pub features_bytes: u64,
    /// Bytes in `counts/` afterwards.
    pub counts_bytes: u64,
    /// With which power of the records the search for similar authors is taken to grow.
    pub similar_exponent: f64,
    /// Most bytes on disk at a time: what is written by then and the spill files.
    pub disk_peak: u64,
    /// Room on the working directory's disk.
    pub disk_free: u64,
    /// The machine's memory, or what this process may use of it.
    pub machine_memory: u64,
    /// What to know and to change, a sentence or two each.
    pub advice: Vec<String>,
}

/// Plans a run.
///
/// Works in a scratch folder of the working directory and removes it. Uses the current rayon pool.
///
/// # Errors
/// [`PipelineError`]: whatever a stage says of the sample, or a working directory that is in use.
pub fn plan(config: &Config, options: Options, progress: &dyn Progress) -> Result<Plan, PipelineError> {
    let workspace = Workspace::open(&config.working_dir)?;
    let scratch = workspace.scratch("plan")?;
    let outcome = Measuring { config, options, scratch: &scratch, progress }.plan();
    workspace.remove_scratch()?;
    outcome
}

struct Measuring<'a> {
    config: &'a Config,
    options: Options,
    scratch: &'a Path,
    progress: &'a dyn Progress,
}

/// A sample and what it holds.
struct Tried {
    sample: Sample,
    training: Copied,
    validation: Copied,
}

impl Tried {
    fn records(&self) -> f64 {
        (self.training.records + self.validation.records) as f64
    }

    fn point(&self, value: f64) -> Point {
        Point { records: self.records(), value }
    }
}

const BEFORE_TRAINING: [Stage; 3] = [Stage::Convert, Stage::Similar, Stage::Features];

impl Measuring<'_> {
    fn plan(&self) -> Result<Plan, PipelineError> {
        let parts = raw_parts(self.config)?;
        let first = parts[0].path.as_path();
        let validation_path = self.config.validation_part.as_deref();
        self.progress.begin("plan", Some(4), Unit::Items);

        // Validation records in the same proportion as in the whole.
        let file_bytes = parts.iter().map(|part| size(&part.path)).sum::<Result<u64, _>>()?;
        let validation_bytes = validation_path.map(size).transpose()?.unwrap_or(0);
        let share = validation_bytes as f64 / file_bytes.max(1) as f64;
        let large = self.tried("large", first, self.options.records.max(FEW), share)?;
        self.progress.advance(1);
        let small = self.tried("small", first, (large.training.records / 3).max(1), share)?;
        self.progress.advance(1);

        let each = large.training.bytes as f64 / large.training.records.max(1) as f64;
        let training = whole(file_bytes, large.training, in_file(first, &large.sample.part(0), large.training)?);
        let validation = match (validation_path, large.sample.validation()) {
            (Some(path), Some(text)) => {
                whole(validation_bytes, large.validation, in_file(path, text, large.validation)?)
            }
            _ => 0.0,
        };
        let mut whole = Whole { training, validation, records: training + validation, stages: Vec::new() };
        let (parts_bytes, similar) = self.first_stages(&small, &large, &mut whole);
        let features_bytes = grown(&small, &large, &["features"], 1.0, 1.25, whole.records);
        let counts_bytes = grown(&small, &large, &["counts"], 0.5, 1.0, whole.records);
        if self.config.distilbert.model.is_some() {
            self.last_stages(first, validation_path, &mut whole, counts_bytes, parts.len())?;
        }
        self.progress.end();

        let raw_bytes = (training * each) as u64 + (validation * each) as u64;
        let (mut standing, mut disk_peak) = (0, 0);
        for stage in &whole.stages {
            disk_peak = disk_peak.max(standing + stage.written + stage.temporary);
            standing += stage.written;
        }
        let mut plan = Plan {
            parts: parts.len(),
            training_records: training as u64,
            validation_records: validation as u64,
            raw_bytes,
            stages: whole.stages,
            parts_bytes,
            features_bytes: features_bytes as u64,
            counts_bytes: counts_bytes as u64,
            similar_exponent: similar,
            disk_peak,
            disk_free: free(&self.config.working_dir)?,
            machine_memory: machine_memory(),
            advice: Vec::new(),
        };
        plan.advice = advice::advice(&plan, self.config);
        Ok(plan)
    }

    /// A sample of so many training records, taken as far as the counts.
    fn tried(&self, name: &str, part: &Path, records: u64, share: f64) -> Result<Tried, PipelineError> {
        let mut sample = Sample::new(&self.scratch.join(name), self.config)?;
        let training = copy_lines(part, &sample.part(0), records)?;
        let validation = self.copy_validation(&sample, (training.records as f64 * share) as u64)?;
        sample.run(&BEFORE_TRAINING)?;
        Ok(Tried { sample, training, validation })
    }

    fn copy_validation(&self, sample: &Sample, records: u64) -> Result<Copied, PipelineError> {
        match (&self.config.validation_part, sample.validation()) {
            (Some(from), Some(to)) => copy_lines(from, to, records.max(FEW)),
            _ => Ok(Copied::default()),
        }
    }

    /// Conversion, similar authors and counts. Gives the bytes of `parts/`, and the power of the search.
    fn first_stages(&self, small: &Tried, large: &Tried, whole: &mut Whole) -> (u64, f64) {
        let (records, budget) = (whole.records, self.config.memory_budget() as f64);
        let seconds = |stage| {
            let [small, large] = [small, large].map(|tried| tried.point(tried.sample.of(stage).seconds));
            (small, large)
        };
        let line = |stage| {
            let (small, large) = seconds(stage);
            Line::through(small, large).at(records)
        };
        let memory = |stage| large.sample.of(stage).peak_memory;
        let part_bytes = Line { fixed: 0.0, each: large.sample.bytes(&["parts"]) as f64 / large.records() }.at(records);
        whole.add(Stage::Convert, records, line(Stage::Convert), memory(Stage::Convert), part_bytes, 0.0);

        let (small_seconds, large_seconds) = seconds(Stage::Similar);
        let search = Power::through(small_seconds, large_seconds, 1.0, 2.0);
        let summary = large.sample.of(Stage::Similar).summary;
        let count = |name: &str| summary.get(name).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
        let growth = whole.training / large.training.records.max(1) as f64;
        // A followed (author, reader) pair is sorted as 16 bytes; 52 bytes an author and 16 a reader stay (similar/).
        let (pairs, held) = (16.0 * count("follows") * growth, 52.0 * count("authors") * growth);
        let most = memory(Stage::Similar) as f64 + held + pairs.min(budget);
        let written = grown(small, large, &["similar.skim"], 0.5, 1.5, records);
        whole.add(Stage::Similar, whole.training, search.at(records), most as u64, written, spilled(pairs, budget));

        let summary = large.sample.of(Stage::Features).summary;
        let through = |name: &str| {
            let bytes =
                summary.get(name).and_then(|shuffled| shuffled.get("bytes")).and_then(serde_json::Value::as_f64);
            bytes.unwrap_or(0.0) * records / large.records()
        };
        let passing = through("visits") + through("answers");
        let more = (passing.min(0.75 * budget) - passing * large.records() / records).max(0.0);
        let most = memory(Stage::Features) as f64 + more;
        let written = grown(small, large, &["features"], 1.0, 1.25, records)
            + grown(small, large, &["counts"], 0.5, 1.0, records);
        let temporary = spilled(passing, budget / 2.0);
        whole.add(Stage::Features, records, line(Stage::Features), most as u64, written, temporary);
        (part_bytes as u64, search.exponent)
    }

    /// Text model, codes, training and evaluation.
    fn last_stages(
        &self,
        part: &Path,
        validation: Option<&Path>,
        whole: &mut Whole,
        counts_bytes: f64,
        parts: usize,
    ) -> Result<(), PipelineError> {
        let mut config = self.config.clone();
        config.distilbert.max_n_parts = 1;
        let mut sample = Sample::new(&self.scratch.join("trained"), &config)?;
        // The text model sees only the first part, which grows until it takes long enough.
        let (mut texts, mut before) = (16, None);
        let embedding = loop {
            let copied = copy_lines(part, &sample.part(0), texts)?;
            sample_validation(self, &sample)?;
            sample.run(&[Stage::Convert, Stage::Embed])?;
            let seconds = sample.of(Stage::Embed).seconds;
            let now = Point { records: copied.records as f64, value: seconds };
            if seconds >= EMBED_SECONDS || copied.records < texts {
                break Line::through(before.unwrap_or(now), now);
            }
            before = Some(now);
            texts *= 4;
        };
        self.progress.advance(1);
        let trained = copy_lines(part, &sample.part(1), TRAINED)?;
        let stages = Stage::ALL.into_iter().filter(|&stage| stage != Stage::Evaluate || validation.is_some());
        sample.run(&stages.collect::<Vec<_>>())?;
        self.progress.advance(1);

        let texts = whole.training * (self.config.distilbert.max_n_parts as f64 / parts as f64).min(1.0);
        let embed = sample.of(Stage::Embed);
        let tokens = |stage| sample.of(stage).summary.get("tokens").and_then(serde_json::Value::as_f64).unwrap_or(1.0);
        let seen = tokens(Stage::Embed).max(1.0);
        // Nearly every token occurs in a whole part.
        let all = f64::from(self.config.vocabulary_size);
        let vectors = sample.bytes(&["token_embeddings.npy", "token_ids.npy", "token_counts.npy"]) as f64 * all / seen;
        let held = embed.peak_memory as f64 + 3.0 * vectors;
        whole.add(Stage::Embed, texts, embedding.at(texts), held as u64, vectors, 0.0);
        let sketch = sample.of(Stage::Sketch);
        let codes = sample.bytes(&["codes.skim"]) as f64 * all / seen;
        let held = sketch.peak_memory as f64 + 2.0 * vectors;
        whole.add(Stage::Sketch, all, sketch.seconds * all / seen, held as u64, codes, 0.0);

        let train = sample.of(Stage::Train);
        let rate = train.summary.get("records_per_second").and_then(serde_json::Value::as_f64).unwrap_or(1.0);
        let (held_out, epochs) = (self.config.validation_percentage, self.config.train.num_validation_epochs as f64);
        let steps = |training: f64, validation: f64| training + validation * (1.0 - held_out) * epochs;
        let measured = steps(trained.records as f64, FEW as f64);
        let evaluate = sample.of(Stage::Evaluate);
        let scored = whole.validation * held_out;
        let scoring = scored / (rate * 2.0);
        let other = (train.seconds - measured / rate).max(0.0);
        let seconds = other + steps(whole.training, whole.validation) / rate + 2.0 * scoring;
        let waiting = EXAMPLE_BYTES * whole.training;
        let budget = self.config.memory_budget() as f64;
        let held = train.peak_memory as f64 + waiting.min(budget / 2.0);
        // The frozen counts in the bundle grow with the totals; the rest of it does not.
        let frozen = sample.bytes(&["model/counts"]) as f64;
        let a_total = frozen / (sample.bytes(&["counts"]) as f64).max(1.0);
        let written = sample.bytes(&["model"]) as f64 - frozen + a_total * counts_bytes;
        let temporary = spilled(waiting, budget / 4.0);
        whole.add(Stage::Train, whole.training, seconds, held as u64, written, temporary);
        if validation.is_some() {
            let seconds = evaluate.seconds + scoring;
            whole.add(Stage::Evaluate, scored, seconds, evaluate.peak_memory, 4096.0, 0.0);
        }
        Ok(())
    }
}

fn sample_validation(measuring: &Measuring<'_>, sample: &Sample) -> Result<(), PipelineError> {
    if sample.validation().is_some_and(|path| !path.exists()) {
        measuring.copy_validation(sample, FEW)?;
    }
    Ok(())
}

/// The whole data set.
struct Whole {
    training: f64,
    validation: f64,
    records: f64,
    stages: Vec<StagePlan>,
}

impl Whole {
    fn add(&mut self, stage: Stage, records: f64, seconds: f64, memory: u64, written: f64, temporary: f64) {
        self.stages.push(StagePlan {
            stage: stage.name(),
            records: records.round() as u64,
            seconds,
            memory,
            written: written as u64,
            temporary: temporary as u64,
        });
    }
}

/// Bytes of artefacts that grow with a power of the records.
fn grown(small: &Tried, large: &Tried, names: &[&str], least: f64, most: f64, records: f64) -> f64 {
    let [small, large] = [small, large].map(|tried| tried.point(tried.sample.bytes(names) as f64));
    Power::through(small, large, least, most).at(records)
}

/// Records of files of so many bytes, from a sample and what a record takes in a file.
fn whole(bytes: u64, sample: Copied, each: f64) -> f64 {
    // A sample that is all there is has been counted.
    if bytes == sample.bytes { sample.records as f64 } else { (bytes as f64 / each.max(f64::MIN_POSITIVE)).round() }
}

/// How many bytes a record takes in a raw part's file, from a sample of its text: a packed part's is packed again.
fn in_file(part: &Path, text: &Path, sample: Copied) -> Result<f64, PipelineError> {
    let bytes = if part.extension().is_some_and(|ending| ending == "zst") {
        let text = fs::read(text).map_err(WorkspaceError::io("read", text))?;
        let packed = zstd::bulk::compress(&text, zstd::DEFAULT_COMPRESSION_LEVEL);
        packed.map_err(WorkspaceError::io("pack", part))?.len() as u64
    } else {
        sample.bytes
    };
    Ok(bytes as f64 / sample.records.max(1) as f64)
}

fn size(path: &Path) -> Result<u64, PipelineError> {
    Ok(fs::metadata(path).map_err(WorkspaceError::io("find", path))?.len())
}

/// Room on the disk of a folder, for this user.
fn free(folder: &Path) -> Result<u64, PipelineError> {
    let room =
        rustix::fs::statvfs(folder).map_err(|error| WorkspaceError::io("ask for the room on", folder)(error.into()))?;
    Ok(room.f_bavail * room.f_frsize)
}
