//! A working directory in which the stages are tried on ever more of the records.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use skimlog_formats::part::BLOCK_ROWS;
use skimlog_runtime::progress::{Progress, Silent, Unit};

use super::growth::{Point, power};
use super::speed::reading_speed;
use super::text::{RawText, is_packed};
use crate::config::{ByteSize, Config};
use crate::pipeline::run::RawData;
use crate::pipeline::stages::{TextModel, text_model};
use crate::pipeline::{Pipeline, PipelineError, Stage, TaskReport, memory};
use crate::workspace::WorkspaceError;

/// Training records of the first part of the trial.
const FIRST_PART: u64 = 64;
/// Validation records at the least, if there is a validation part: a hold-out needs some.
const FEW: u64 = 32;
/// No budget is made smaller than this.
const LEAST_BUDGET: f64 = 1_048_576.0;

/// The time that planning may take.
pub(super) struct Clock<'a> {
    begun: Instant,
    limit: Duration,
    progress: &'a dyn Progress,
    /// Seconds that the progress was told.
    told: Cell<u64>,
}

impl<'a> Clock<'a> {
    /// Starts. The progress is told seconds.
    pub(super) fn start(seconds: f64, progress: &'a dyn Progress) -> Self {
        progress.begin("plan", Some(seconds.ceil() as u64), Unit::Items);
        Self { begun: Instant::now(), limit: Duration::from_secs_f64(seconds), progress, told: Cell::new(0) }
    }

    /// Seconds since the start.
    pub(super) fn now(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Tells the progress what is done now.
    fn tell(&self, what: &str) {
        let now = self.now() as u64;
        self.progress.advance(now - self.told.replace(now));
        self.progress.remark(what);
    }

    /// This share of the time, in seconds.
    pub(super) fn share(&self, share: f64) -> f64 {
        self.limit.as_secs_f64() * share
    }
}

/// What a stage took on a trial.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) seconds: f64,
    /// Seconds of all threads together.
    pub(super) cpu_seconds: f64,
    pub(super) peak_memory: u64,
}

/// What a conversion says of itself, as far as it matters here.
#[derive(Deserialize)]
struct Converted {
    records: u64,
}

/// The sizes of the whole data set, as far as known from what was drawn of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Whole {
    /// Raw training parts.
    pub(super) parts: usize,
    /// Training records.
    pub(super) training: f64,
    /// Validation records.
    pub(super) validation: f64,
    /// How many of all records are to be converted: all but those of `.skim` parts.
    pub(super) raw: f64,
    /// Bytes of the raw files.
    pub(super) file_bytes: f64,
    /// Bytes of their text.
    pub(super) text_bytes: f64,
}

impl Whole {
    /// Training and validation records.
    pub(super) fn records(&self) -> f64 {
        self.training + self.validation
    }
}

/// The trial's working directory. Its parts are drawn from all raw parts; each is as large as all before it.
pub(super) struct Trial<'a> {
    /// The configuration that is planned for, with every default settled.
    pub(super) config: Config,
    pub(super) clock: &'a Clock<'a>,
    folder: PathBuf,
    training: RawText,
    validation: Option<RawText>,
    /// Bytes of raw parts that this machine reads in a second.
    pub(super) reading_speed: f64,
    /// How many training parts there are to be, and how many times those that are there.
    parts: usize,
    times: f64,
    packed: bool,
    /// Training records up to each part, itself included.
    records: Vec<u64>,
    validation_records: u64,
    /// Resident bytes of the process when nothing has been tried.
    resident: u64,
    /// Every conversion, and records in it.
    conversions: Vec<(Measured, u64)>,
    /// Records and bytes of each converted part.
    converted: Vec<Point>,
}

impl<'a> Trial<'a> {
    /// A trial in `folder`, with no records yet. `parts`: how many parts there are to be.
    pub(super) fn new(
        config: &Config,
        parts: Option<usize>,
        folder: &Path,
        clock: &'a Clock<'a>,
    ) -> Result<Self, PipelineError> {
        let data = RawData::of(config)?;
        if !data.passed_over.is_empty() {
            clock.progress.warn(&data.passed_over.to_string());
        }
        let paths: Vec<PathBuf> = data.training.into_iter().map(|part| part.path).collect();
        let parts = parts.unwrap_or(paths.len());
        for folder in [folder.join("new"), folder.join("raw")] {
            fs::create_dir_all(&folder).map_err(WorkspaceError::io("make the folder", &folder))?;
        }
        let mut config = Config {
            memory_budget: Some(ByteSize(config.memory_budget())),
            threads: Some(config.threads()),
            ..config.clone()
        };
        // The trial has a working directory of its own, which checkpoints that are there are not in.
        if let Ok(TextModel::Given(model)) = text_model(&config) {
            config.distilbert.onnx = Some(model);
        }
        Ok(Self {
            packed: paths.iter().map(|path| is_packed(path)).collect::<Result<Vec<_>, _>>()?.contains(&true),
            times: parts as f64 / paths.len() as f64,
            reading_speed: reading_speed(&paths)?,
            training: RawText::open(&paths)?,
            validation: config
                .validation_part
                .as_ref()
                .map(|path| RawText::open(std::slice::from_ref(path)))
                .transpose()?,
            config,
            clock,
            folder: folder.to_owned(),
            parts,
            records: Vec::new(),
            validation_records: 0,
            resident: resident(),
            conversions: Vec::new(),
            converted: Vec::new(),
        })
    }

    /// Training records so far.
    pub(super) fn records(&self) -> u64 {
        self.records.last().copied().unwrap_or(0)
    }

    /// Training records of the first so many parts.
    pub(super) fn records_of(&self, parts: usize) -> u64 {
        parts.checked_sub(1).map_or(0, |last| self.records[last.min(self.records.len() - 1)])
    }

    /// Number of parts so far.
    pub(super) fn parts(&self) -> usize {
        self.records.len()
    }

    /// Validation records so far.
    pub(super) fn validation_records(&self) -> u64 {
        self.validation_records
    }

    /// The sizes of everything, estimated from what was drawn.
    pub(super) fn whole(&self) -> Whole {
        let validation = |of: fn(&RawText) -> f64| self.validation.as_ref().map_or(0.0, of);
        Whole {
            parts: self.parts,
            training: (self.times * self.training.records()).round(),
            validation: validation(RawText::records).round(),
            raw: (self.times * self.training.raw_records() + validation(RawText::raw_records)).round(),
            file_bytes: self.times * self.training.file_bytes() as f64 + validation(|text| text.file_bytes() as f64),
            text_bytes: self.times * self.training.text_bytes() + validation(RawText::text_bytes),
        }
    }

    /// The last three conversions together, since a single one is disturbed by whatever else the machine does, and the
    /// records in them.
    pub(super) fn conversion(&self) -> (Measured, u64) {
        let mut together = (Measured::default(), 0);
        for (one, records) in self.conversions.iter().rev().take(3) {
            together.0.seconds += one.seconds;
            together.0.cpu_seconds += one.cpu_seconds;
            together.0.peak_memory = together.0.peak_memory.max(one.peak_memory);
            together.1 += records;
        }
        together
    }

    /// Bytes that a record takes in a converted part of so many records: the larger a block is, the fewer.
    pub(super) fn part_bytes(&self, records: f64) -> f64 {
        let block = records.min(BLOCK_ROWS as f64);
        let as_large = |part: &&Point| part.records >= block;
        let alike = if block < records {
            self.converted.iter().rev().find(as_large)
        } else {
            self.converted.iter().find(as_large)
        };
        match alike {
            Some(part) => part.value / part.records,
            None => power(&self.converted, block, 0.5, 1.0).expected / block.max(1.0),
        }
    }

    /// Draws and converts a part with as many records as all before it, and validation records in the same proportion
    /// as in the whole. `false` if there were no records left.
    pub(super) fn grow(&mut self) -> Result<bool, PipelineError> {
        let wanted = if self.records.is_empty() { FIRST_PART } else { self.records() };
        let name = format!("part-{:05}", self.parts());
        self.clock.tell(&format!("trying convert on {wanted} records"));
        let new = self.folder.join("new").join(self.file_name(&name));
        let drawn = write_records(&mut self.training, wanted, &new, self.packed)?;
        if drawn == 0 {
            return remove(&new).map(|()| false);
        }
        self.records.push(self.records() + drawn);
        if let Some(text) = &mut self.validation {
            let share = text.records() / (self.times * self.training.records());
            let share = if share.is_finite() { share } else { 0.0 };
            let wanted = (((self.records.last().copied().unwrap_or(0) as f64) * share) as u64).max(FEW);
            let more = wanted.saturating_sub(self.validation_records);
            let path = self.folder.join("validation");
            self.validation_records += write_records(text, more, &path, false)?;
        }
        let config = Config { recsys_data: self.folder.join("new"), ..self.trial_config(f64::INFINITY) };
        let mut conversion = Measured::default();
        let mut summaries = Vec::new();
        let resident = resident();
        Pipeline::open(&config, &Silent)?.run(Stage::Convert, false, &mut |report| {
            if report.because.is_some() {
                conversion.add(report);
                summaries.push(report.summary.clone());
            }
        })?;
        let converted = summaries.into_iter().map(|summary| read::<Converted>(Stage::Convert, summary));
        let converted = converted.map(|one| Ok(one?.records)).sum::<Result<u64, PipelineError>>()?;
        conversion.peak_memory = self.peak_memory(conversion.peak_memory, resident);
        self.conversions.push((conversion, converted));
        let part = self.folder.join("work/parts").join(format!("{name}.skim"));
        self.converted.push(Point { records: drawn as f64, value: size(&part) as f64 });
        // The stages take the parts' names from the raw ones; nothing reads the text any more. No two may be equal.
        remove(&new)?;
        let stand_in = self.folder.join("raw").join(&name);
        fs::write(&stand_in, &name).map_err(PipelineError::write(&stand_in))?;
        Ok(true)
    }

    /// Runs a stage as the trial's configuration, changed by `change`, says, with a share of the memory budget. Gives
    /// what it took and its summary.
    pub(super) fn run<S: DeserializeOwned>(
        &self,
        stage: Stage,
        share: f64,
        change: impl FnOnce(&mut Config),
    ) -> Result<(Measured, S), PipelineError> {
        let records = self.records();
        self.clock.tell(&format!("trying {stage} on {records} records"));
        let mut config = self.trial_config(share);
        change(&mut config);
        let (mut measured, mut summary) = (Measured::default(), Value::Null);
        let resident = resident();
        Pipeline::open(&config, &Silent)?.run(stage, true, &mut |report| {
            measured.add(report);
            summary = report.summary.clone();
        })?;
        measured.peak_memory = self.peak_memory(measured.peak_memory, resident);
        Ok((measured, read(stage, summary)?))
    }

    /// Runs a stage up to three times if it takes but a moment: what the fastest run took, since a busy machine or
    /// memory that comes slowly only ever adds to it.
    pub(super) fn run_again<S: DeserializeOwned>(&self, stage: Stage) -> Result<(Measured, S), PipelineError> {
        const MOMENT: f64 = 0.5;
        let mut fastest = self.run::<S>(stage, 1.0, |_| {})?;
        for _ in 1..3 {
            if fastest.0.seconds < MOMENT {
                let again = self.run::<S>(stage, 1.0, |_| {})?;
                fastest = if again.0.seconds < fastest.0.seconds { again } else { fastest };
            }
        }
        Ok(fastest)
    }

    /// Bytes of a file or folder of the trial's working directory.
    pub(super) fn bytes(&self, name: &str) -> u64 {
        size(&self.path(name))
    }

    /// A path in the trial's working directory.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join("work").join(name)
    }

    /// The peak that a stage would have had in a process of its own, where so many bytes were not left by earlier
    /// trials.
    fn peak_memory(&self, peak: u64, resident: u64) -> u64 {
        self.resident + peak.saturating_sub(resident)
    }

    fn file_name(&self, part: &str) -> String {
        // Packed parts are read in another way than plain ones, so they are tried as such.
        if self.packed { format!("{part}.zst") } else { part.to_owned() }
    }

    fn trial_config(&self, share: f64) -> Config {
        let budget = self.config.memory_budget() as f64;
        Config {
            working_dir: self.folder.join("work"),
            recsys_data: self.folder.join("raw"),
            validation_part: self.validation.as_ref().map(|_| self.folder.join("validation")),
            // A split that is given is for all validation records.
            validation_split: None,
            max_n_parts: None,
            memory_budget: Some(ByteSize((budget * share).max(LEAST_BUDGET).min(budget) as u64)),
            ..self.config.clone()
        }
    }
}

impl Measured {
    fn add(&mut self, report: &TaskReport) {
        self.seconds += report.seconds;
        self.cpu_seconds += report.cpu_seconds;
        self.peak_memory = self.peak_memory.max(report.peak_memory.unwrap_or(0));
    }
}

/// A stage's summary.
fn read<S: DeserializeOwned>(stage: Stage, summary: Value) -> Result<S, PipelineError> {
    serde_json::from_value(summary).map_err(|source| PipelineError::ReadSummary { stage, source })
}

/// Resident bytes of this process, once what was freed is given back.
fn resident() -> u64 {
    memory::reset_peak();
    memory::peak().unwrap_or(0)
}

/// Seconds that all threads of this process have computed.
pub(super) fn cpu_seconds() -> f64 {
    memory::processor_time().as_secs_f64()
}

/// Bytes of a file, or of all files in a folder; nothing if there is none.
pub(super) fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return fs::metadata(path).map_or(0, |metadata| metadata.len()) };
    entries.flatten().map(|entry| size(&entry.path())).sum()
}

/// Adds records to a raw file, made if need be.
fn write_records(text: &mut RawText, records: u64, path: &Path, packed: bool) -> Result<u64, PipelineError> {
    let file = File::options().create(true).append(true).open(path).map_err(PipelineError::write(path))?;
    let mut file = BufWriter::new(file);
    let written = if packed {
        let mut out = zstd::Encoder::new(&mut file, 1).map_err(PipelineError::write(path))?;
        let written = text.copy(records, &mut out, path)?;
        out.finish().map_err(PipelineError::write(path))?;
        written
    } else {
        text.copy(records, &mut file, path)?
    };
    file.flush().map_err(PipelineError::write(path))?;
    Ok(written)
}

fn remove(path: &Path) -> Result<(), PipelineError> {
    Ok(fs::remove_file(path).map_err(WorkspaceError::io("remove", path))?)
}
