//! `cargo run -p skimlog-features --example features_of_one_record`: from a raw record and what was counted before to
//! the 73 numbers that the network reads of it.

use std::error::Error;

use skimlog_features::counts::frozen::{FrozenCounts, FrozenSimilar, FrozenTableWriter, LookupScratch};
use skimlog_features::counts::{COUNTS, Counter, Period, ReactionCounts, Table};
use skimlog_features::input::{Example, Languages, number_names};
use skimlog_features::key::Key;
use skimlog_features::similar::SimilarAuthors;
use skimlog_formats::PerReaction;
use skimlog_formats::record::{RecordBatch, RecordOptions, RecordReader};

/// A record of 20 fields, here with `|` for 0x01: the author's tweet of two words, shown to the reader.
const RECORD: &str = "101\t13099\t57898\t102||EFC157F8461CD184B175BE1FE29C1E18||||TopLevel|\
    65405ADF3D4FB5EB29704BE52FD112EC|1614790218|D695CF7A8EE36DB3192CFC854BCA05DA|3134|1315|true|1251175883|\
    7035C0600D990A1F497323E3BC283F40|497|52|false|1502286396|false\n";

fn main() -> Result<(), Box<dyn Error>> {
    let text = RECORD.replace('|', "\u{1}");
    let mut records = RecordBatch::default();
    RecordReader::new(text.as_bytes(), RecordOptions::default()).read(&mut records, 1)?;
    let (author, reader) = (Key::of(records.author.id[0]), Key::of(records.reader.id[0]));

    // What was counted before: the reader liked two tweets of training, both of this author, and replied to one of
    // them.
    let folder = tempfile::tempdir()?;
    let seen = ReactionCounts { reactions: PerReaction::from_count_order([2, 1, 0, 0]), unreacted: 0 };
    for table in Table::ALL {
        let path = FrozenCounts::table_file(folder.path(), table);
        let mut writer = FrozenTableWriter::create(&path, 1, table.has_unreacted())?;
        match (table.period, table.counter) {
            (Period::Training, Counter::Pair) => writer.push(author.pair(reader), &seen)?,
            (Period::Training, Counter::Author) => writer.push(author, &seen)?,
            (Period::Training, Counter::Reader) => writer.push(reader, &seen)?,
            _ => {}
        }
        writer.finish()?;
    }
    FrozenSimilar::write(&FrozenCounts::similar_file(folder.path()), &SimilarAuthors::from_lists([]))?;

    let mut counts = [[0.0; COUNTS]];
    FrozenCounts::open(folder.path())?.numbers(&records, &mut LookupScratch::default(), &mut counts)?;
    let languages: Languages = records.language.iter().copied().collect();
    let mut example = Example::default();
    example.set(&records, 0, &counts[0], &languages);
    for (name, number) in number_names().zip(example.numbers) {
        println!("{name:<32}{number}");
    }
    Ok(())
}
