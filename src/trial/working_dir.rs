//! The working directory of a trial.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use skimlog_formats::part::BLOCK_ROWS;
use skimlog_runtime::progress::Silent;

use super::clock::Clock;
use super::disk::{bytes_at, free_bytes};
use super::growth::{Point, power};
use super::measured::{Measured, resident};
use super::reading::reading_speed;
use super::sample::{RawText, is_packed};
use crate::config::{ByteSize, Config};
use crate::pipeline::{Pipeline, PipelineError, RawData, Stage};
use crate::workspace::{Layout, WorkspaceError};

/// Training records of the first part of the trial.
const FIRST_PART: u64 = 64;
/// Validation records at the least, if there is a validation part: a hold-out needs some.
const FEW: u64 = 32;
/// Folder of the raw part that is drawn and not converted yet.
const NEW: &str = "new";
/// Folder of what stands for the raw parts once they are converted.
const RAW: &str = "raw";
/// Folder of what the stages make.
const WORK: &str = "work";
/// No budget is made smaller than this.
const LEAST_BUDGET: f64 = 1_048_576.0;

/// The sizes of the whole data set, as far as known from what was drawn of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whole {
    /// Raw training parts.
    pub parts: usize,
    /// Training records.
    pub training: f64,
    /// Validation records.
    pub validation: f64,
    /// How many of all records are to be converted: all but those of `.skim` parts.
    pub raw: f64,
    /// Bytes of the raw files.
    pub file_bytes: f64,
    /// Bytes of their text.
    pub text_bytes: f64,
}

impl Whole {
    /// Training and validation records.
    pub fn records(&self) -> f64 {
        self.training + self.validation
    }
}

/// Converts what a configuration names, adds what that took, and gives the number of records that were converted.
pub type ConvertSample = fn(&Config, &mut Measured) -> Result<u64, PipelineError>;

/// The trial's working directory. Its parts are drawn from all raw parts; each is as large as all before it.
pub struct Trial<'a> {
    /// The configuration that is planned for, with every default settled.
    pub config: Config,
    /// The time there is.
    pub clock: &'a Clock<'a>,
    /// When trials of the current turn end, in seconds of the clock.
    pub until: f64,
    /// Bytes that were free on the disk.
    pub disk_free: u64,
    folder: PathBuf,
    layout: Layout,
    convert: ConvertSample,
    training: RawText,
    validation: Option<RawText>,
    /// Bytes of raw parts that this machine reads in a second.
    pub reading_speed: f64,
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
    /// A trial in `folder`, with no records yet. `parts`: how many parts there are to be. `convert` converts what is
    /// drawn.
    ///
    /// # Errors
    /// [`PipelineError`] if the raw parts cannot be read.
    pub fn new(
        config: &Config,
        parts: Option<usize>,
        folder: &Path,
        clock: &'a Clock<'a>,
        convert: ConvertSample,
    ) -> Result<Self, PipelineError> {
        let data = RawData::of(config)?;
        if !data.passed_over.is_empty() {
            clock.warn(&data.passed_over.to_string());
        }
        let paths: Vec<PathBuf> = data.training.into_iter().map(|part| part.path).collect();
        let parts = parts.unwrap_or(paths.len());
        for folder in [NEW, RAW].map(|name| folder.join(name)) {
            fs::create_dir_all(&folder).map_err(WorkspaceError::io("make the folder", &folder))?;
        }
        let config = Config {
            memory_budget: Some(ByteSize(config.memory_budget())),
            threads: Some(config.threads()),
            ..config.clone()
        };
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
            until: f64::INFINITY,
            disk_free: free_bytes(folder)?,
            folder: folder.to_owned(),
            layout: Layout::of(&folder.join(WORK)),
            convert,
            parts,
            records: Vec::new(),
            validation_records: 0,
            resident: resident(),
            conversions: Vec::new(),
            converted: Vec::new(),
        })
    }

    /// Training records so far.
    pub fn records(&self) -> u64 {
        self.records.last().copied().unwrap_or(0)
    }

    /// Training records of the first so many parts.
    pub fn records_of(&self, parts: usize) -> u64 {
        parts.checked_sub(1).map_or(0, |last| self.records[last.min(self.records.len() - 1)])
    }

    /// Number of parts so far.
    pub fn parts(&self) -> usize {
        self.records.len()
    }

    /// Training and validation records so far.
    pub fn all_records(&self) -> f64 {
        (self.records() + self.validation_records) as f64
    }

    /// What share of all training records there is so far.
    pub fn share(&self) -> f64 {
        self.records() as f64 / self.whole().training
    }

    /// The sizes of everything, estimated from what was drawn.
    pub fn whole(&self) -> Whole {
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
    pub fn conversion(&self) -> (Measured, u64) {
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
    pub fn part_bytes(&self, records: f64) -> f64 {
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
    ///
    /// # Errors
    /// [`PipelineError`]: what conversion says of a record.
    pub fn grow(&mut self) -> Result<bool, PipelineError> {
        let wanted = if self.records.is_empty() { FIRST_PART } else { self.records() };
        let name = part_name(self.parts());
        self.clock.tell(&format!("trying convert on {wanted} records"));
        let new = self.folder.join(NEW).join(self.file_name(&name));
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
            let path = self.folder.join(Layout::VALIDATION);
            self.validation_records += write_records(text, more, &path, false)?;
        }
        let config = Config { recsys_data: self.folder.join(NEW), ..self.trial_config(f64::INFINITY) };
        let (mut conversion, resident) = (Measured::default(), resident());
        let converted = (self.convert)(&config, &mut conversion)?;
        conversion.peak_memory = self.peak_memory(conversion.peak_memory, resident);
        self.conversions.push((conversion, converted));
        self.converted.push(Point { records: drawn as f64, value: bytes_at(&self.layout.part(&name)) as f64 });
        // The stages take the parts' names from the raw ones; nothing reads the text any more. No two may be equal.
        remove(&new)?;
        let stand_in = self.folder.join(RAW).join(&name);
        fs::write(&stand_in, &name).map_err(PipelineError::write(&stand_in))?;
        Ok(true)
    }

    /// Runs a stage as the trial's configuration, changed by `change`, says, with a share of the memory budget. Gives
    /// what it took and its summary.
    ///
    /// # Errors
    /// [`PipelineError`]: what the stage says.
    pub fn run<S: DeserializeOwned>(
        &self,
        stage: &dyn Stage,
        share: f64,
        change: impl FnOnce(&mut Config),
    ) -> Result<(Measured, S), PipelineError> {
        let records = self.records();
        self.clock.tell(&format!("trying {} on {records} records", stage.name()));
        let mut config = self.trial_config(share);
        change(&mut config);
        let (mut measured, mut last) = (Measured::default(), None);
        let resident = resident();
        Pipeline::open(&config, &Silent)?.run(stage, true, &mut |report| {
            measured.add(report);
            last = Some(report.clone());
        })?;
        measured.peak_memory = self.peak_memory(measured.peak_memory, resident);
        let last = last.expect("a stage that is forced to run has done a task");
        Ok((measured, last.read_summary()?))
    }

    /// Runs a stage up to three times if it takes but a moment: what the fastest run took, since a busy machine or
    /// memory that comes slowly only ever adds to it.
    ///
    /// # Errors
    /// As of [`Trial::run`].
    pub fn run_again<S: DeserializeOwned>(&self, stage: &dyn Stage) -> Result<(Measured, S), PipelineError> {
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

    /// The paths of the trial's working directory.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The converted parts of the trial, the first so many.
    pub fn converted(&self, parts: usize) -> impl Iterator<Item = PathBuf> {
        (0..parts).map(|number| self.layout.part(&part_name(number)))
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
            working_dir: self.layout.root().to_owned(),
            recsys_data: self.folder.join(RAW),
            validation_part: self.validation.as_ref().map(|_| self.folder.join(Layout::VALIDATION)),
            // A split that is given is for all validation records.
            validation_split: None,
            max_n_parts: None,
            memory_budget: Some(ByteSize((budget * share).max(LEAST_BUDGET).min(budget) as u64)),
            ..self.config.clone()
        }
    }
}

/// Name of the trial's part of this number.
fn part_name(number: usize) -> String {
    format!("part-{number:05}")
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
