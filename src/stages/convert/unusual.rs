//! Records that are read as they are, though something about them is implausible.

use std::fmt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use skimlog_formats::record::{NO_REACTION, RecordBatch, TweetType, Users};
use skimlog_formats::{PerReaction, Reaction};

use skimlog_runtime::progress::Progress;

/// Tokens that the usual text models see of a tweet.
const MODEL_TOKENS: usize = 512;

/// How many records are implausible in which way. A record may count in several of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unusual {
    /// Records with a time before 1970.
    pub negative_times: u64,
    /// Records with a time later than a moment given.
    pub future_times: u64,
    /// Records with a reaction before their tweet.
    pub early_reactions: u64,
    /// Records with a negative number of followers or of followed accounts.
    pub negative_counts: u64,
    /// Records of a tweet of the type `Reply`.
    pub replies: u64,
    /// Records with more than 512 tokens.
    pub long_texts: u64,
    /// Whether the last record has no newline.
    pub no_final_newline: bool,
}

/// The time, in unix seconds.
pub(super) fn seconds_now() -> i64 {
    UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() as i64)
}

impl Unusual {
    /// What is unusual in a batch that has every column; `now`, in unix seconds, is where the future begins.
    pub fn of(batch: &RecordBatch, now: i64) -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            // Comparing 64-bit numbers takes three times as long without it.
            #[target_feature(enable = "avx2")]
            fn wide(batch: &RecordBatch, now: i64) -> Unusual {
                Unusual::count(batch, now)
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has just been asked for what the function needs.
                return unsafe { wide(batch, now) };
            }
        }
        Self::count(batch, now)
    }

    #[inline(always)]
    fn count(batch: &RecordBatch, now: i64) -> Self {
        let times = Times::of(batch);
        let users = [&batch.author, &batch.reader];
        let counts = users.map(|Users { followers, following, .. }| [followers.as_slice(), following]);
        let counts = counts.concat();
        Self {
            negative_times: rows_where(&times.all, batch.rows, |time| time < 0 && time != NO_REACTION),
            future_times: rows_where(&times.all, batch.rows, |time| time > now),
            early_reactions: times.early_reactions(),
            negative_counts: rows_where(&counts, batch.rows, |count| count < 0),
            replies: batch.tweet_type.iter().filter(|&&tweet_type| tweet_type == TweetType::Reply).count() as u64,
            long_texts: batch.tokens.iter().filter(|tokens| tokens.len() > MODEL_TOKENS).count() as u64,
            no_final_newline: false,
        }
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Says it in a line about the part, if there is anything.
    pub fn tell(&self, part: &Path, progress: &dyn Progress) {
        if !self.is_empty() {
            progress.note(&format!("{}: {self}", part.display()));
        }
    }

    /// Adds what is unusual in the records that follow.
    pub fn add(&mut self, next: &Self) {
        self.negative_times += next.negative_times;
        self.future_times += next.future_times;
        self.early_reactions += next.early_reactions;
        self.negative_counts += next.negative_counts;
        self.replies += next.replies;
        self.long_texts += next.long_texts;
        self.no_final_newline |= next.no_final_newline;
    }
}

/// All columns of times.
struct Times<'b> {
    tweet: &'b [i64],
    reactions: Option<&'b PerReaction<Vec<i64>>>,
    all: Vec<&'b [i64]>,
}

impl<'b> Times<'b> {
    fn of(batch: &'b RecordBatch) -> Self {
        let mut all = vec![batch.tweet_time.as_slice(), &batch.author.created, &batch.reader.created];
        all.extend(batch.reactions.iter().flat_map(PerReaction::iter).map(|(_, times)| times.as_slice()));
        Self { tweet: &batch.tweet_time, reactions: batch.reactions.as_ref(), all }
    }

    #[inline(always)]
    fn early_reactions(&self) -> u64 {
        let Some(times) = self.reactions else { return 0 };
        let early = |times: &[i64]| {
            times
                .iter()
                .zip(self.tweet)
                .map(|(&time, &tweet)| u32::from(time < tweet && time != NO_REACTION))
                .sum::<u32>()
        };
        if Reaction::ALL.into_iter().all(|reaction| early(&times[reaction]) == 0) {
            return 0;
        }
        let is_early =
            |row: usize| times.iter().any(|(_, times)| times[row] < self.tweet[row] && times[row] != NO_REACTION);
        (0..self.tweet.len()).filter(|&row| is_early(row)).count() as u64
    }
}

/// In how many of so many rows a value of some column is so. Columns are scanned one after the other, which is fast,
/// and row by row only where there is something to find.
#[inline(always)]
fn rows_where(columns: &[&[i64]], rows: usize, is_so: impl Fn(i64) -> bool) -> u64 {
    let found = |column: &&[i64]| column.iter().map(|&value| u32::from(is_so(value))).sum::<u32>() > 0;
    let columns: Vec<&[i64]> = columns.iter().copied().filter(found).collect();
    match columns[..] {
        [] => 0,
        _ => (0..rows).filter(|&row| columns.iter().any(|column| is_so(column[row]))).count() as u64,
    }
}

/// The counts above zero, as a line: `3 records with a time before 1970, 1 of type Reply`.
impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.negative_times, "with a time before 1970"),
            (self.future_times, "with a time in the future"),
            (self.early_reactions, "with a reaction before the tweet"),
            (self.negative_counts, "with a negative number of followers or followed accounts"),
            (self.replies, "of type Reply"),
            (self.long_texts, "with more than 512 tokens"),
        ];
        let mut separator = "";
        for (count, what) in counts.into_iter().filter(|&(count, _)| count > 0) {
            let records = if count == 1 { "record" } else { "records" };
            write!(f, "{separator}{count} {records} {what}")?;
            separator = ", ";
        }
        if self.no_final_newline {
            write!(f, "{separator}no newline after the last record")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use skimlog_formats::record::{RecordOptions, RecordScanner};

    use super::*;

    fn unusual(change: impl Fn(&mut Vec<&str>)) -> Unusual {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/golden/small/raw/train/part-00000");
        let text = std::fs::read_to_string(path).unwrap();
        let mut text: Vec<String> = text.lines().take(20).map(|line| format!("{line}\n")).collect();
        for line in &mut text[3..5] {
            let mut fields: Vec<&str> = line.trim_end_matches('\n').split('\x01').collect();
            change(&mut fields);
            *line = fields.join("\x01") + "\n";
        }
        let text = text.concat();
        let (mut scanner, mut batch) =
            (RecordScanner::new(text.as_bytes(), RecordOptions::default()), RecordBatch::default());
        while let Some(outcome) = scanner.read(&mut batch) {
            outcome.unwrap();
        }
        assert_eq!(batch.rows, 20);
        Unusual::of(&batch, 1_700_000_000)
    }

    #[test]
    fn each_record_counts_once_in_each_way() {
        assert!(unusual(|_| {}).is_empty());
        let negative = unusual(|fields| (fields[13], fields[18]) = ("-4665600", "-1"));
        assert_eq!(negative, Unusual { negative_times: 2, ..Unusual::default() });
        let early = unusual(|fields| (fields[20], fields[23]) = ("-5", "1"));
        assert_eq!(early, Unusual { negative_times: 2, early_reactions: 2, ..Unusual::default() });
        let future = unusual(|fields| (fields[8], fields[22]) = ("1700000001", "9223372036854775807"));
        let early_reactions = future.early_reactions;
        assert_eq!(future, Unusual { future_times: 2, early_reactions, ..Unusual::default() });
        let tokens = "101\t".repeat(512) + "102";
        let others = unusual(|fields| (fields[0], fields[6], fields[15]) = (&*tokens.clone().leak(), "Reply", "-1"));
        assert_eq!(others, Unusual { negative_counts: 2, replies: 2, long_texts: 2, ..Unusual::default() });
        assert_eq!(
            others.to_string(),
            "2 records with a negative number of followers or followed accounts, 2 records of type Reply, 2 records \
             with more than 512 tokens"
        );
    }
}
