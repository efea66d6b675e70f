//! The table of count families: which keys a record is counted under, and which counts it looks up.
//!
//! A *counter* gathers records under a key; a *family* is a question to a counter, asked with one of the asking
//! record's keys. Every key has a major and a minor half. The major one is an *entity*: records are routed by it, so
//! that counting and asking meet in one partition. A record *visits* its reader (with the author, the language and, one
//! visit each, its hashtags as minor keys), its author (with the reader as minor key) and its tweet.

use skimlog_formats::Reaction;

/// Number of counts of a record.
pub const COUNTS: usize = 65;

/// Which records a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Period {
    /// The training records that have a reaction. A training record's own day is left out of its counts.
    Training = 0,
    /// The finetune records of the validation part, those without any reaction too. A finetune record's own chunk is
    /// left out of its counts.
    Validation = 1,
}

/// By which of its keys a record visits an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Visitor {
    /// The reader; minor keys: the author, the language.
    Reader = 0,
    /// The author; minor key: the reader.
    Author = 1,
    /// The reader, once a hashtag; minor key: the hashtag.
    Hashtag = 2,
    /// The tweet; no minor key.
    Tweet = 3,
}

/// Which of a visit's keys completes the major key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Minor {
    /// None: the count is about the major key alone.
    Alone,
    /// The visit's minor key: author, reader or hashtag, as [`Visitor`] says.
    Partner,
    /// The record's language.
    Language,
}

/// What records are counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Counter {
    /// Author and reader.
    Pair = 0,
    /// Author.
    Author = 1,
    /// Reader.
    Reader = 2,
    /// Language and reader.
    LanguageReader = 3,
    /// Each hashtag and reader; a hashtag given twice counts twice.
    HashtagsReader = 4,
    /// Tweet; of the validation part only.
    Tweet = 5,
}

impl Counter {
    /// All counters.
    pub const ALL: [Self; 6] =
        [Self::Pair, Self::Author, Self::Reader, Self::LanguageReader, Self::HashtagsReader, Self::Tweet];

    /// The visitor that counts, and the minor key it counts under.
    pub const fn counted_by(self) -> (Visitor, Minor) {
        match self {
            Self::Pair => (Visitor::Reader, Minor::Partner),
            Self::Author => (Visitor::Author, Minor::Alone),
            Self::Reader => (Visitor::Reader, Minor::Alone),
            Self::LanguageReader => (Visitor::Reader, Minor::Language),
            Self::HashtagsReader => (Visitor::Hashtag, Minor::Partner),
            Self::Tweet => (Visitor::Tweet, Minor::Alone),
        }
    }

    /// The counter's name, as in column and file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Author => "author",
            Self::Reader => "reader",
            Self::LanguageReader => "language_reader",
            Self::HashtagsReader => "hashtags_reader",
            Self::Tweet => "tweet",
        }
    }
}

/// What a family answers, and so how many numbers it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Records with each reaction: four counts.
    Reactions,
    /// Records with no reaction: one count.
    Unreacted,
    /// For each reaction, the sum over the author's similar authors of score × count: four reals.
    Similar,
    /// Sum of the scores of the author's similar authors: one real.
    SimilarityMass,
}

impl Answer {
    /// How many numbers it is.
    pub const fn width(self) -> usize {
        match self {
            Self::Reactions | Self::Similar => 4,
            Self::Unreacted | Self::SimilarityMass => 1,
        }
    }

    /// Whether its numbers are reals (f64) and not counts (u32).
    pub const fn is_real(self) -> bool {
        matches!(self, Self::Similar | Self::SimilarityMass)
    }
}

/// A question every record is asked for: one, or one per reaction, of the 65 counts.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Name of the family's columns, before `.{reaction}` where there is one per reaction.
    pub name: &'static str,
    /// Whose records.
    pub period: Period,
    /// Counted how.
    pub counter: Counter,
    /// Which of the record's visits asks.
    pub asked_by: Visitor,
    /// With which minor key.
    pub asked_with: Minor,
    /// For what.
    pub answer: Answer,
}

/// A family asked for by the same visitor with the same key as it is counted.
const fn plain(name: &'static str, period: Period, counter: Counter, answer: Answer) -> Family {
    let (asked_by, asked_with) = counter.counted_by();
    Family { name, period, counter, asked_by, asked_with, answer }
}

/// A validation family asked for with the parts of author and reader exchanged.
const fn crossed(name: &'static str, counter: Counter, asked_by: Visitor, asked_with: Minor) -> Family {
    Family { name, period: Period::Validation, counter, asked_by, asked_with, answer: Answer::Reactions }
}

/// All families, in the order of the 65 counts.
pub static FAMILIES: [Family; 20] = {
    use Answer::{Reactions, Similar, SimilarityMass, Unreacted};
    use Counter::{Author, HashtagsReader, LanguageReader, Pair, Reader, Tweet};
    use Period::{Training, Validation};
    [
        plain("train.pair", Training, Pair, Reactions),
        plain("train.author", Training, Author, Reactions),
        plain("train.reader", Training, Reader, Reactions),
        plain("train.language_reader", Training, LanguageReader, Reactions),
        plain("train.hashtags_reader", Training, HashtagsReader, Reactions),
        plain("train.similar", Training, Pair, Similar),
        plain("train.similarity_mass", Training, Pair, SimilarityMass),
        plain("valid.pair", Validation, Pair, Reactions),
        plain("valid.author", Validation, Author, Reactions),
        plain("valid.reader", Validation, Reader, Reactions),
        plain("valid.language_reader", Validation, LanguageReader, Reactions),
        plain("valid.hashtags_reader", Validation, HashtagsReader, Reactions),
        plain("valid.tweet", Validation, Tweet, Reactions),
        crossed("valid.pair_reversed", Pair, Visitor::Author, Minor::Partner),
        crossed("valid.author_of_reader", Author, Visitor::Reader, Minor::Alone),
        crossed("valid.reader_of_author", Reader, Visitor::Author, Minor::Alone),
        plain("valid.none.pair", Validation, Pair, Unreacted),
        plain("valid.none.author", Validation, Author, Unreacted),
        plain("valid.none.reader", Validation, Reader, Unreacted),
        plain("valid.none.tweet", Validation, Tweet, Unreacted),
    ]
};

/// First of each family's columns, in the order of [`FAMILIES`].
pub const FIRST_COLUMNS: [usize; FAMILIES.len()] = {
    let mut columns = [0; FAMILIES.len()];
    let mut family = 1;
    while family < columns.len() {
        columns[family] = columns[family - 1] + FAMILIES[family - 1].answer.width();
        family += 1;
    }
    columns
};

const _: () = assert!(FIRST_COLUMNS[FAMILIES.len() - 1] + 1 == COUNTS);

/// Whether each of the 65 columns holds reals (f64) and not counts (u32).
pub const REAL_COLUMNS: [bool; COUNTS] = {
    let mut reals = [false; COUNTS];
    let mut family = 0;
    while family < FAMILIES.len() {
        let mut at = 0;
        while at < FAMILIES[family].answer.width() {
            reals[FIRST_COLUMNS[family] + at] = FAMILIES[family].answer.is_real();
            at += 1;
        }
        family += 1;
    }
    reals
};

/// Names of the 65 columns, in order.
pub fn column_names() -> impl Iterator<Item = String> {
    FAMILIES.iter().flat_map(|family| {
        let names: Vec<String> = match family.answer.width() {
            1 => vec![family.name.to_owned()],
            _ => Reaction::ALL.iter().map(|reaction| format!("{}.{reaction}", family.name)).collect(),
        };
        names
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_where_the_method_has_them() {
        let names: Vec<String> = column_names().collect();
        assert_eq!(names.len(), COUNTS);
        assert_eq!(names[0], "train.pair.like");
        assert_eq!(names[23], "train.similar.quote");
        assert_eq!(names[24], "train.similarity_mass");
        assert_eq!(names[45], "valid.tweet.like");
        assert_eq!(names[49], "valid.pair_reversed.like");
        assert_eq!(names[60], "valid.reader_of_author.quote");
        assert_eq!(names[61..], ["valid.none.pair", "valid.none.author", "valid.none.reader", "valid.none.tweet"]);
        assert!((0..COUNTS).all(|column| REAL_COLUMNS[column] == (20..25).contains(&column)));
    }

    #[test]
    fn every_question_meets_its_counter() {
        // The entity asked must be the entity counted for: both halves of a crossed key change roles together.
        for family in &FAMILIES {
            let (counted_by, counted_with) = family.counter.counted_by();
            let same = (family.asked_by, family.asked_with) == (counted_by, counted_with);
            assert!(same || family.period == Period::Validation, "{}", family.name);
        }
    }
}
