//! The records of a block as counting sees them.

use skimlog_formats::columnar::NumberedIds;
use skimlog_formats::record::{Columns, NO_REACTION, RecordBatch};
use skimlog_formats::{Id, Lists, ReactionSet};

/// The records of a block as counting sees them, column by column.
#[derive(Clone, Debug)]
pub struct CountedBlock {
    pub(super) rows: usize,
    pub(super) authors: NumberedIds,
    pub(super) readers: NumberedIds,
    pub(super) languages: NumberedIds,
    pub(super) tweets: Vec<Id>,
    pub(super) hashtags: Lists<Id>,
    /// In unix seconds: a record's latest reaction, or its tweet's time if it has none.
    pub(super) event_times: Vec<i64>,
    /// `None` for records of 20 fields.
    pub(super) reactions: Option<Vec<ReactionSet>>,
}

impl CountedBlock {
    /// The columns of a batch that a block needs beside the ids of authors, readers and languages.
    pub const COLUMNS: Columns =
        Columns::HASHTAGS.union(Columns::TWEET).union(Columns::TWEET_TIME).union(Columns::REACTIONS);

    /// From a batch with at least [`CountedBlock::COLUMNS`], and the ids of its records.
    pub fn new(batch: RecordBatch, authors: NumberedIds, readers: NumberedIds, languages: NumberedIds) -> Self {
        let mut event_times = vec![NO_REACTION; batch.rows];
        let mut reactions = batch.reactions.as_ref().map(|_| vec![0; batch.rows]);
        if let (Some(all_times), Some(sets)) = (&batch.reactions, &mut reactions) {
            for (reaction, times) in all_times.iter() {
                for ((&time, event_time), set) in times.iter().zip(&mut event_times).zip(sets.iter_mut()) {
                    *event_time = time.max(*event_time);
                    *set |= u8::from(time != NO_REACTION) << reaction as u8;
                }
            }
        }
        for (event_time, &tweet_time) in event_times.iter_mut().zip(&batch.tweet_time) {
            *event_time = if *event_time == NO_REACTION { tweet_time } else { *event_time };
        }
        Self {
            rows: batch.rows,
            authors,
            readers,
            languages,
            tweets: batch.tweet,
            hashtags: batch.hashtags,
            event_times,
            reactions: reactions.map(|sets| sets.into_iter().map(ReactionSet::from_bits).collect()),
        }
    }
}

impl From<RecordBatch> for CountedBlock {
    /// From a batch that also has the ids.
    fn from(mut batch: RecordBatch) -> Self {
        let ids = [&mut batch.author.id, &mut batch.reader.id, &mut batch.language];
        let [authors, readers, languages] = ids.map(|ids| NumberedIds::from(std::mem::take(ids)));
        Self::new(batch, authors, readers, languages)
    }
}

#[cfg(test)]
mod tests {
    use skimlog_formats::PerReaction;

    use super::*;

    #[test]
    fn times_and_reactions_are_the_batches() {
        let times = |salt: i64| {
            let time = |row: i64| if row * salt % 3 == 0 { NO_REACTION } else { row * salt % 17 - 8 };
            (0..50).map(time).collect()
        };
        let reactions = PerReaction::from_count_order([5, 7, 11, 13].map(times));
        let mut batch = RecordBatch {
            rows: 50,
            tweet_time: (100..150).collect(),
            reactions: Some(reactions),
            ..Default::default()
        };
        let block = CountedBlock::from(batch.clone());
        let sets = block.reactions.expect("reactions");
        for (row, (&time, &set)) in block.event_times.iter().zip(&sets).enumerate() {
            assert_eq!((time, set), (batch.event_time(row), batch.reaction_set(row)));
        }
        batch.reactions = None;
        let block = CountedBlock::from(batch.clone());
        assert!(block.reactions.is_none() && block.event_times == batch.tweet_time);
    }
}
