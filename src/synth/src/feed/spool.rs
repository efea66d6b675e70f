//! Impressions sorted by time, in the memory of one day's.

use std::fs;
use std::path::{Path, PathBuf};

use bytemuck::{Pod, Zeroable};
use skimlog_formats::PerReaction;

use crate::files::{Output, attempt};
use crate::options::SynthError;
use crate::world::Period;

const DAY: i64 = 86_400_000;
/// Days of both periods.
const DAYS: usize = 28;

/// Who saw which post, and what they did.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Impression {
    /// When the post was shown, in milliseconds of UTC, on the day of the post.
    pub(crate) shown: i64,
    pub(crate) user: u32,
    pub(crate) author: u32,
    /// The post's number among the author's in its period.
    pub(crate) number: u32,
    /// 1 if the follow of the pair is there.
    pub(crate) follows: u32,
    /// When each reaction happened, in unix seconds, 0 where it did not.
    /// By [`PerReaction::as_count_order`].
    pub(crate) times: [u32; 4],
}

impl Impression {
    /// The reactions' times.
    pub(crate) fn reactions(&self) -> PerReaction<u32> {
        PerReaction::from_count_order(self.times)
    }
}

/// Impressions of a day each, in files that are read once.
pub(crate) struct Spool {
    days: Vec<(PathBuf, Option<Output>)>,
}

impl Spool {
    /// Nothing yet, with files in a directory.
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        Self { days: (0..DAYS).map(|day| (directory.join(format!("{name}-{day:02}")), None)).collect() }
    }

    /// Adds an impression.
    pub(crate) fn add(&mut self, impression: &Impression) -> Result<(), SynthError> {
        let day = (impression.shown - i64::from(Period::Training.start()) * 1_000) / DAY;
        let (path, file) = &mut self.days[day as usize];
        let file = match file {
            Some(file) => file,
            None => file.insert(Output::create(path.clone())?),
        };
        file.write(bytemuck::bytes_of(impression))
    }

    /// The impressions of one day after the other, by time; those of the same time in the order they were added.
    pub(crate) fn into_days(self) -> impl Iterator<Item = Result<Vec<Impression>, SynthError>> + Send {
        self.days.into_iter().filter_map(|(path, file)| Some(read(&path, file?)))
    }
}

fn read(path: &Path, file: Output) -> Result<Vec<Impression>, SynthError> {
    file.finish()?;
    let bytes = attempt("read", path, fs::read(path))?;
    attempt("remove", path, fs::remove_file(path))?;
    let mut impressions: Vec<Impression> = bytemuck::pod_collect_to_vec(&bytes);
    impressions.sort_by_key(|impression| impression.shown);
    Ok(impressions)
}
