//! Text files with the split, predictions and labels.

use std::path::Path;

use skimlog::pipeline::evaluate::evaluate_predictions;
use skimlog_features::counts::Split;

use super::sample;
use crate::scratch::{ManyFiles, Scratch};
use crate::{Target, Verdict, digest};

/// A file of the validation records that are held out.
pub(super) struct HoldOut {
    scratch: Scratch,
    seeds: Vec<Vec<u8>>,
}

impl HoldOut {
    const NAME: &str = "split.txt";
    const ROWS: u64 = 12;

    pub(super) fn new() -> Self {
        let seeds =
            vec![b"0\n1\n0\n0\n1\n0\n0\n0\n1\n1\n0\n1\n".to_vec(), b"0\n0\n0\n0\n0\n0\n1\n1\n1\n1\n1\n1".to_vec()];
        Self { scratch: Scratch::new(), seeds }
    }
}

impl Target for HoldOut {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let path = self.scratch.write(Self::NAME, input);
        match Split::from_file(&path, Self::ROWS, 3) {
            Ok(split) => {
                let ones = input.iter().filter(|&&byte| byte == b'1').count() as u64;
                assert_eq!((split.rows(), split.held_out()), (Self::ROWS, ones), "another split than the file's");
                Verdict::Accepted(digest(&(0..Self::ROWS).map(|row| split.side(row)).collect::<Vec<_>>()))
            }
            Err(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn named(&self) -> &str {
        Self::NAME
    }
}

/// Predictions and labels.
pub(super) struct Predictions {
    files: ManyFiles,
    seeds: Vec<Vec<u8>>,
}

impl Predictions {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let labels: Vec<u8> = sample::read("golden/small/raw/test_labels.tsv")
            .split_inclusive(|&byte| byte == b'\n')
            .take(20)
            .flatten()
            .copied()
            .collect();
        let text = String::from_utf8_lossy(&labels);
        let predictions: String = text
            .lines()
            .map(|line| {
                let record: Vec<&str> = line.split('\t').take(2).collect();
                format!("{},0.125,2.5e-1,0.03,0.9\n", record.join(","))
            })
            .collect();
        scratch.write("labels.tsv", &labels);
        scratch.write("predictions.csv", predictions.as_bytes());
        let files = ManyFiles::new(scratch, ["predictions.csv", "labels.tsv"].map(str::to_owned));
        let seeds = files.seeds();
        Self { files, seeds }
    }
}

impl Target for Predictions {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let read = |folder: &Path, _: &str, _: &[u8]| {
            evaluate_predictions(&folder.join("predictions.csv"), &folder.join("labels.tsv"))
        };
        match self.files.with(input, read) {
            Ok(report) => Verdict::Accepted(digest(&report)),
            Err(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn named(&self) -> &str {
        "sv:"
    }
}
