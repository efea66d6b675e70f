//! A sample of the first raw part and of the validation part, taken through the stages in a folder of its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::{ByteSize, Config};
use crate::pipeline::{Pipeline, PipelineError, Stage};
use crate::progress::Silent;
use crate::stream::{BlockSize, LineBlocks};
use crate::workspace::WorkspaceError;

/// What a stage took on a sample.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) seconds: f64,
    pub(super) peak_memory: u64,
    pub(super) summary: Value,
}

/// A folder with raw parts and a configuration that works on them there.
pub(super) struct Sample {
    config: Config,
    pub(super) measured: BTreeMap<Stage, Measured>,
}

impl Sample {
    /// A folder for a sample that is worked on as `config` says.
    pub(super) fn new(folder: &Path, config: &Config) -> Result<Self, PipelineError> {
        let raw = folder.join("raw");
        fs::create_dir_all(&raw).map_err(WorkspaceError::io("make the folder", &raw))?;
        let config = Config {
            working_dir: folder.join("work"),
            recsys_data: raw,
            validation_part: config.validation_part.as_ref().map(|_| folder.join("validation")),
            // A split that is given is for all validation records.
            validation_split: None,
            max_n_parts: None,
            memory_budget: Some(ByteSize(config.memory_budget())),
            threads: Some(config.threads()),
            ..config.clone()
        };
        Ok(Self { config, measured: BTreeMap::new() })
    }

    /// The sample's raw part of this number.
    pub(super) fn part(&self, number: usize) -> PathBuf {
        self.config.recsys_data.join(format!("part-{number:05}"))
    }

    pub(super) fn validation(&self) -> Option<&Path> {
        self.config.validation_part.as_deref()
    }

    /// Runs stages and measures them.
    pub(super) fn run(&mut self, stages: &[Stage]) -> Result<(), PipelineError> {
        let mut pipeline = Pipeline::open(&self.config, &Silent)?;
        for &stage in stages {
            let mut sum = Measured::default();
            pipeline.run(stage, false, &mut |report| {
                sum.seconds += report.seconds;
                sum.peak_memory = sum.peak_memory.max(report.peak_memory.unwrap_or(0));
                sum.summary = report.summary.clone();
            })?;
            self.measured.insert(stage, sum);
        }
        Ok(())
    }

    /// What a stage took.
    pub(super) fn of(&self, stage: Stage) -> Measured {
        self.measured.get(&stage).cloned().unwrap_or_default()
    }

    /// Bytes of these files and folders of the sample's working directory.
    pub(super) fn bytes(&self, names: &[&str]) -> u64 {
        names.iter().map(|name| bytes_of(&self.config.working_dir.join(name))).sum()
    }
}

fn bytes_of(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return fs::metadata(path).map_or(0, |metadata| metadata.len()) };
    entries.flatten().map(|entry| bytes_of(&entry.path())).sum()
}

/// What was copied of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Copied {
    pub(super) records: u64,
    /// Bytes of text.
    pub(super) bytes: u64,
}

/// Copies the first `records` lines of a raw part, plain or packed.
pub(super) fn copy_lines(from: &Path, to: &Path, records: u64) -> Result<Copied, PipelineError> {
    let mut copied = Copied::default();
    let mut out = BufWriter::new(File::create(to).map_err(PipelineError::write(to))?);
    for block in LineBlocks::open(from, BlockSize::default(), None)? {
        let block = block?;
        let left = (records - copied.records) as usize;
        for line in block.text().split_inclusive(|&byte| byte == b'\n').take(left) {
            out.write_all(line).map_err(PipelineError::write(to))?;
            copied = Copied { records: copied.records + 1, bytes: copied.bytes + line.len() as u64 };
        }
        if copied.records >= records {
            break;
        }
    }
    out.flush().map_err(PipelineError::write(to))?;
    Ok(copied)
}
