//! How good predictions in a file are, wherever they come from.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use skimlog_formats::{PerReaction, Reaction, ReactionSet};
use thiserror::Error;

use skimlog_network::metrics::{NotAProbability, Report, Scores, ScoresError};

/// Why predictions in a file cannot be measured.
#[derive(Debug, Error)]
pub enum PredictionsError {
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not what it should be.
    #[error("{}:{line}: {what}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// 1-based number of the line.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// Predictions and labels are not about the same records.
    #[error(
        "{}:{line}: tweet and reader {found:?}, the labels have {expected:?}: both files need the same records in the \
         same order",
        .path.display()
    )]
    Record {
        /// The predictions.
        path: PathBuf,
        /// 1-based number of the line.
        line: u64,
        /// Tweet and reader of the prediction.
        found: String,
        /// Tweet and reader of the label.
        expected: String,
    },
    /// The predictions cannot be kept.
    #[error(transparent)]
    Scores(#[from] ScoresError),
    /// One file has fewer lines than the other.
    #[error("{}: ends after {lines} lines, the other file has more", .path.display())]
    Short {
        /// The shorter file.
        path: PathBuf,
        /// Its number of lines.
        lines: u64,
    },
}

/// Longest line, in bytes: ten times what six numbers and ids need. A file that is something else may have no line at
/// all.
const LONGEST_LINE: u64 = 4096;

/// Bytes of predictions to hold in memory, about: those of 11 million records.
const MEMORY: u64 = 512 << 20;

/// Measures predictions against labels; `None` if both files are empty.
///
/// Predictions are in the challenge's form, `tweet_id,reader_id,reply,retweet,quote,like` with a probability for each
/// reaction; labels have the same columns, 0 or 1 for each reaction, separated by TAB or comma. Both files are about
/// the same records in the same order. The files do not tell how popular the authors are, so all records are one group.
///
/// # Errors
/// [`PredictionsError`] with the file and the line.
pub fn evaluate_predictions(predictions: &Path, labels: &Path) -> Result<Option<Report>, PredictionsError> {
    let (mut predictions, mut labels) = (Table::open(predictions)?, Table::open(labels)?);
    let mut scores = Scores::within(MEMORY, &std::env::temp_dir());
    loop {
        match (predictions.next()?, labels.next()?) {
            (None, None) => return Ok(scores.report()?),
            (None, Some(_)) => return Err(predictions.short()),
            (Some(_), None) => return Err(labels.short()),
            (Some(prediction), Some(label)) => {
                if prediction.record != label.record {
                    let (path, line) = (predictions.path, predictions.line);
                    return Err(PredictionsError::Record {
                        path,
                        line,
                        found: prediction.record,
                        expected: label.record,
                    });
                }
                let set = labels.reactions(label.values)?;
                scores.push(prediction.values, set, 0).map_err(|error| match error {
                    ScoresError::NotAProbability(NotAProbability { prediction, reaction, .. }) => {
                        predictions.error(format!("{prediction} for {reaction} is no probability"))
                    }
                    spill => spill.into(),
                })?;
            }
        }
    }
}

/// Tweet, reader and a number for each reaction.
struct Row {
    record: String,
    values: PerReaction<f32>,
}

struct Table {
    path: PathBuf,
    input: BufReader<File>,
    line: u64,
    text: Vec<u8>,
}

impl Table {
    fn open(path: &Path) -> Result<Self, PredictionsError> {
        let path = path.to_owned();
        match File::open(&path) {
            Ok(file) => Ok(Self { path, input: BufReader::new(file), line: 0, text: Vec::new() }),
            Err(source) => Err(PredictionsError::File { path, source }),
        }
    }

    fn next(&mut self) -> Result<Option<Row>, PredictionsError> {
        self.text.clear();
        let read = self.input.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut self.text);
        if read.map_err(|source| PredictionsError::File { path: self.path.clone(), source })? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if self.text.len() as u64 > LONGEST_LINE {
            return Err(self.error(format!("the line is longer than {LONGEST_LINE} bytes: is this a CSV file?")));
        }
        let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(self.error("the line is not UTF-8: is this a CSV file?".to_owned()));
        };
        let fields: Vec<&str> = text.split([',', '\t']).collect();
        let [tweet, reader, values @ ..] = fields.as_slice() else {
            return Err(self.error(fields_needed(fields.len())));
        };
        let Ok(values) = <[&str; 4]>::try_from(values) else {
            return Err(self.error(fields_needed(fields.len())));
        };
        let mut numbers = [0.0; 4];
        for (number, value) in numbers.iter_mut().zip(values) {
            *number = value.parse().map_err(|_| {
                let header = if self.line == 1 { ": the form has no header" } else { "" };
                self.error(format!("{value:?} is no number{header}"))
            })?;
        }
        let values = PerReaction::from_order(Reaction::RECORD_ORDER, numbers);
        Ok(Some(Row { record: format!("{tweet},{reader}"), values }))
    }

    /// The reactions that labels of 0 and 1 stand for.
    fn reactions(&self, labels: PerReaction<f32>) -> Result<ReactionSet, PredictionsError> {
        match labels.iter().find(|(_, label)| **label != 0.0 && **label != 1.0) {
            Some((reaction, label)) => Err(self.error(format!("{label} for {reaction}, a label is 0 or 1"))),
            None => Ok(labels.iter().filter(|(_, label)| **label == 1.0).map(|(reaction, _)| reaction).collect()),
        }
    }

    fn error(&self, what: String) -> PredictionsError {
        PredictionsError::Line { path: self.path.clone(), line: self.line, what }
    }

    fn short(self) -> PredictionsError {
        PredictionsError::Short { path: self.path, lines: self.line }
    }
}

fn fields_needed(found: usize) -> String {
    format!(
        "{found} fields, 6 are needed: tweet id, reader id, reply, retweet, quote, like, separated by commas or TABs"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(predictions: &str, labels: &str) -> Result<Option<Report>, String> {
        let directory = tempfile::tempdir().unwrap();
        let [first, second] = ["predictions.csv", "labels.tsv"].map(|name| directory.path().join(name));
        std::fs::write(&first, predictions).unwrap();
        std::fs::write(&second, labels).unwrap();
        evaluate_predictions(&first, &second).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_matched_by_reaction() {
        let predictions = "A,B,0.1,0.2,0.3,0.9\nC,D,0.1,0.2,0.3,0.2\n";
        let report = measure(predictions, "A\tB\t0\t0\t0\t1\nC\tD\t1\t0\t0\t0\n").unwrap().unwrap();
        let like = report.overall[Reaction::Like];
        assert_eq!((like.positives, like.average_precision), (1, Some(1.0)));
        assert!((like.mean_prediction.unwrap() - 0.55).abs() < 1e-6);
        assert_eq!(report.overall[Reaction::Reply].average_precision, Some(0.5));
        assert_eq!(measure("", "").unwrap(), None);
    }

    #[test]
    fn bytes_that_are_no_text_are_named_with_their_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("predictions.csv");
        std::fs::write(&path, b"A,B,0,0,0,1\nA,\xFF,0,0,0,1\n").unwrap();
        let error = evaluate_predictions(&path, &path).unwrap_err().to_string();
        assert!(error.contains("predictions.csv:2: the line is not UTF-8"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let good = "A,B,0,0,0,1\n";
        for (predictions, labels, expected) in [
            (good, "", "labels.tsv: ends after 0 lines"),
            ("", good, "predictions.csv: ends after 0 lines"),
            (good, "A,C,0,0,0,1\n", "predictions.csv:1: tweet and reader \"A,B\""),
            ("A,B,0,0,2,1\n", good, "predictions.csv:1: 2 for quote is no probability"),
            ("A,B,0,0,x,1\n", good, "predictions.csv:1: \"x\" is no number"),
            (good, "A,B,0,0,0.5,1\n", "labels.tsv:1: 0.5 for quote, a label is 0 or 1"),
            ("A\n", good, "predictions.csv:1: 1 fields, 6 are needed: tweet id, reader id, reply"),
            (good, "A\u{1}B\u{1}0\u{1}0\u{1}0\u{1}1\n", "labels.tsv:1: 1 fields"),
            (
                "tweet,reader,reply,retweet,quote,like\n",
                good,
                "predictions.csv:1: \"reply\" is no number: the form has no header",
            ),
            ("A,B,0,0,NaN,1\n", good, "predictions.csv:1: NaN for quote is no probability"),
            ("A,B,0,0,0,1\n\n", good, "predictions.csv:2: 1 fields"),
            ("A,B,0,0,0,1,7\n", good, "predictions.csv:1: 7 fields"),
            (&"x".repeat(5000), good, "predictions.csv:1: the line is longer than 4096 bytes"),
        ] {
            let error = measure(predictions, labels).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
