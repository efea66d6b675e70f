//! `.skim` files: any, and each kind that the program reads.

use std::fs::File;
use std::path::Path;

use skimlog::pipeline::examples::{Examples, ExamplesError, Portion, StoredExamples, StoredPart};
use skimlog::stages::features::{FEATURES_KIND, TOTALS_KIND};
use skimlog::stages::train::freeze::{FreezeError, read_totals};
use skimlog_features::counts::{COUNTS, REAL_COLUMNS, Table, column_names};
use skimlog_features::input::{Example, Languages};
use skimlog_features::similar::{SimilarAuthors, SimilarWriter, read_lists};
use skimlog_features::sketch::{SketchShape, TokenCodes};
use skimlog_formats::columnar::{
    Advice, Column, ColumnRef, ColumnarError, Field, MAX_CHUNK_BYTES, Reader, Schema, ValueType, Writer, encode_block,
    encode_block_advised,
};
use skimlog_formats::part::{PartReader, PartWriter, encode};
use skimlog_formats::record::{Columns as Selection, RecordBatch, write_record};
use skimlog_formats::{Id, Lists, Reaction};

use super::sample;
use crate::mutate::Mutator;
use crate::random::Random;
use crate::scratch::{ManyFiles, Scratch};
use crate::sealed::SkimFile;
use crate::{Exact, Target, Verdict, digest};

/// The name of every input.
pub(super) const NAME: &str = "input.skim";

/// What a tiny file may claim: the format bounds a chunk's values, and a reader holds those of a dictionary, of the
/// numbers into it and of the column they make at a time.
pub(super) const MEMORY: usize = (64 << 20) + 3 * MAX_CHUNK_BYTES;

/// A mutant of a `.skim` file whose checksums hold.
pub(super) fn sealed(seeds: &[Vec<u8>], random: &mut Random) -> Option<Vec<u8>> {
    let file = SkimFile::parse(random.pick::<Vec<u8>>(seeds)).expect("a seed is sound");
    Some(file.mutant(&Mutator::new(seeds), random))
}

pub(super) fn verdict<T: std::fmt::Debug, E: std::fmt::Display>(outcome: Result<T, E>) -> Verdict {
    match outcome {
        Ok(values) => Verdict::Accepted(digest(&values)),
        Err(error) => Verdict::Rejected(error.to_string()),
    }
}

/// What all targets of one `.skim` file share.
pub(super) struct Single {
    pub(super) scratch: Scratch,
    pub(super) seeds: Vec<Vec<u8>>,
}

impl Single {
    pub(super) fn new(seeds: Vec<Vec<u8>>) -> Self {
        Self { scratch: Scratch::new(), seeds }
    }
}

/// A target that reads one `.skim` file with a function.
macro_rules! reads_one_file {
    ($target:ident, $read:path) => {
        impl Target for $target {
            fn seeds(&self) -> &[Vec<u8>] {
                &self.0.seeds
            }

            fn check(&mut self, input: &[u8]) -> Verdict {
                verdict($read(&self.0.scratch.write(NAME, input)))
            }

            fn exact(&self) -> Exact {
                Exact::Always
            }

            fn sealed(&self, random: &mut Random) -> Option<Vec<u8>> {
                sealed(&self.0.seeds, random)
            }

            fn memory(&self) -> usize {
                MEMORY
            }

            fn named(&self) -> &str {
                NAME
            }
        }
    };
}
pub(super) use reads_one_file;

/// Any file: every column of every block, read in every way.
pub(super) struct Columns(Single);
reads_one_file!(Columns, read_columns);

impl Columns {
    pub(super) fn new() -> Self {
        Self(Single::new(vec![sample::read("types-v1.skim"), every_encoding()]))
    }
}

/// Two blocks of columns in every encoding.
fn every_encoding() -> Vec<u8> {
    let rows = 150u32;
    let user = |row: u32| row * row % 19;
    let ids: Vec<Id> = (0..rows).map(|row| Id([user(row) as u8 + 1; 16])).collect();
    let profile: Vec<u32> = (0..rows).map(|row| user(row) * 1_000_003 + row / 90).collect();
    let time: Vec<u32> = (0..rows).map(|row| 1_612_000_000 + row * 7919 % 1000).collect();
    let reaction: Vec<u32> = time.iter().map(|time| if time % 3 == 0 { time + time % 50 } else { 0 }).collect();
    let flags: Vec<bool> = (0..rows).map(|row| row % 5 == 0).collect();
    let lists: Vec<Vec<u16>> =
        (0..rows).map(|row| (0..user(row) % 5).map(|item| (item * 977) as u16).collect()).collect();
    let lists: Lists<u16> = lists.iter().map(Vec::as_slice).collect();
    let floats: Vec<f64> = (0..rows).map(|row| f64::from(row % 7) / 3.0).collect();
    let sparse: Vec<u64> = (0..rows).map(|row| if row % 3 == 0 { u64::from(row).pow(6) } else { 0 }).collect();
    let constant = vec![9u8; rows as usize];
    let fields = vec![
        Field::flat("id", ValueType::Id),
        Field::flat("profile", ValueType::U32),
        Field::flat("time", ValueType::U32),
        Field::flat("reaction", ValueType::U32),
        Field::flat("flags", ValueType::Bool),
        Field::list("lists", ValueType::U16),
        Field::flat("floats", ValueType::F64),
        Field::flat("sparse", ValueType::U64),
        Field::flat("constant", ValueType::U8),
        Field::flat("plain", ValueType::U32),
    ];
    let mut schema = Schema::new("any", fields);
    schema.metadata.insert("a".into(), "1".into());
    schema.metadata.insert("b".into(), "2".into());
    let columns = [
        ColumnRef::flat(&ids),
        ColumnRef::flat(&profile),
        ColumnRef::flat(&time),
        ColumnRef::flat(&reaction),
        ColumnRef::flat(&flags),
        ColumnRef::lists(&lists),
        ColumnRef::flat(&floats),
        ColumnRef::flat(&sparse),
        ColumnRef::flat(&constant),
        ColumnRef::flat(&time),
    ];
    let mut advice = [Advice::Auto; 10];
    (advice[1], advice[3], advice[9]) = (Advice::KeyedBy(0), Advice::RelativeTo(2), Advice::Plain);
    let block = encode_block_advised(&schema, &columns, &advice).expect("the columns fit their schema");
    let mut writer = Writer::new(Vec::new(), &schema).expect("memory takes everything");
    writer.append(block.clone()).and_then(|()| writer.append(block)).expect("memory takes everything");
    writer.finish().expect("memory takes everything")
}

fn read_columns(path: &Path) -> Result<(Schema, Vec<Column>), ColumnarError> {
    let reader = Reader::open(path)?;
    let mut columns = Vec::new();
    for block in 0..reader.blocks() {
        let rows = reader.block_rows(block);
        for field in 0..reader.schema().fields.len() {
            let column = reader.read(block, field)?;
            assert_eq!(column.as_ref().rows() as u64, rows.end - rows.start, "a column of another length");
            reader.chunk_info(block, field)?;
            match &column {
                Column::List { offsets, values } => {
                    let places = vec![(); values.len()];
                    assert!(Lists::from_parts(offsets.clone(), places).is_some(), "lists that are none");
                }
                Column::Flat(values) => other_ways(&reader, block, field, values)?,
            }
            columns.push(column);
        }
    }
    reader.verify()?;
    Ok((reader.schema().clone(), columns))
}

/// Whatever way a column is read in, its values are the same.
fn other_ways(
    reader: &Reader,
    block: usize,
    field: usize,
    values: &skimlog_formats::columnar::Values,
) -> Result<(), ColumnarError> {
    use skimlog_formats::columnar::Values;
    match values {
        Values::Id(ids) => {
            let numbered = reader.numbered_ids(block, field)?;
            let gathered = numbered.numbers.iter().map(|&number| numbered.ids[number as usize]);
            assert!(gathered.eq(ids.iter().copied()), "numbered ids are others");
        }
        Values::U32(numbers) => {
            if let Some(view) = reader.view::<u32>(block, field) {
                assert!(view == numbers, "a view shows other values");
            }
        }
        _ => {}
    }
    Ok(())
}

/// A part: every record, and its text.
pub(super) struct Part(Single);
reads_one_file!(Part, read_part);

impl Part {
    pub(super) fn new() -> Self {
        let labelled = ["train/part-00000", "train/part-00001"].map(|part| sample::records(part, 0, 60));
        let unlabelled = [sample::records("test/part-00000", 0, 40)];
        Self(Single::new(vec![part(&labelled), part(&unlabelled), sample::read("part-v1.skim")]))
    }
}

fn part(blocks: &[RecordBatch]) -> Vec<u8> {
    let labelled = blocks[0].reactions.is_some();
    let mut writer = PartWriter::new(Vec::new(), labelled).expect("memory takes everything");
    for block in blocks {
        writer.append(encode(block).expect("records fit a part")).expect("memory takes everything");
    }
    writer.finish().expect("memory takes everything")
}

fn read_part(path: &Path) -> Result<Vec<u8>, ColumnarError> {
    let part = PartReader::open(path)?;
    let mut text = Vec::new();
    for block in 0..part.blocks() {
        let batch = part.read(block, Selection::ALL)?;
        for (numbered, ids) in [
            (part.authors(block)?, &batch.author.id),
            (part.readers(block)?, &batch.reader.id),
            (part.languages(block)?, &batch.language),
        ] {
            let gathered = numbered.numbers.iter().map(|&number| numbered.ids[number as usize]);
            assert!(gathered.eq(ids.iter().copied()), "numbered ids are others");
        }
        // Lists of a mutant may be long.
        let written = (0..batch.rows).take_while(|&row| {
            write_record(&batch, row, &mut text);
            text.len() < 1 << 22
        });
        written.for_each(drop);
        for row in 0..batch.rows {
            std::hint::black_box((batch.event_time(row), batch.reaction_set(row)));
        }
    }
    Ok(text)
}

/// Features beside their part, as training reads them.
pub(super) struct Features {
    files: ManyFiles,
    seeds: Vec<Vec<u8>>,
    languages: Languages,
}

impl Features {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let records = sample::records("validation/part-00000", 0, 50);
        let languages = records.language.iter().copied().collect();
        scratch.write("part.skim", &part(std::slice::from_ref(&records)));
        scratch.write("features.skim", &features(records.rows));
        let files = ManyFiles::new(scratch, ["part.skim", "features.skim"].map(str::to_owned));
        let seeds = files.seeds();
        Self { files, seeds, languages }
    }
}

/// Features in blocks of another length than the part's, with the columns of a validation part.
fn features(rows: usize) -> Vec<u8> {
    let types = REAL_COLUMNS.map(|real| if real { ValueType::F64 } else { ValueType::U32 });
    let mut fields: Vec<Field> = column_names().zip(types).map(|(name, value)| Field::flat(name, value)).collect();
    fields.extend([Field::flat("split", ValueType::U8), Field::flat("chunk", ValueType::U16)]);
    let schema = Schema::new(FEATURES_KIND, fields);
    let mut writer = Writer::new(Vec::new(), &schema).expect("memory takes everything");
    for first in (0..rows).step_by(20) {
        let block = first..rows.min(first + 20);
        let counts: Vec<u32> = block.clone().map(|row| (row * row % 7) as u32).collect();
        let reals: Vec<f64> = counts.iter().map(|&count| f64::from(count) / 3.0).collect();
        let (split, chunk): (Vec<u8>, Vec<u16>) = block.map(|row| (u8::from(row % 4 == 1), (row % 3) as u16)).unzip();
        let mut columns: Vec<ColumnRef<'_>> = (0..COUNTS)
            .map(|column| if REAL_COLUMNS[column] { ColumnRef::flat(&reals) } else { ColumnRef::flat(&counts) })
            .collect();
        columns.extend([ColumnRef::flat(&split), ColumnRef::flat(&chunk)]);
        writer.append(encode_block(&schema, &columns).expect("the columns fit")).expect("memory takes everything");
    }
    writer.finish().expect("memory takes everything")
}

impl Target for Features {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let languages = &self.languages;
        let read = |folder: &Path, _: &str, _: &[u8]| {
            let [part, features] = ["part.skim", "features.skim"].map(|name| folder.join(name));
            let stored = StoredExamples::validation(StoredPart { part, features }, languages.clone())?;
            let mut all: Vec<Example> = Vec::new();
            for portion in [Portion::Finetune, Portion::HoldOut] {
                stored.visit(portion, |_, example| {
                    all.push(example.clone());
                    Ok::<(), ExamplesError>(())
                })?;
            }
            Ok::<_, ExamplesError>(all)
        };
        verdict(self.files.with(input, read))
    }

    fn exact(&self) -> Exact {
        Exact::Always
    }

    fn sealed(&self, random: &mut Random) -> Option<Vec<u8>> {
        sealed_one_of(&self.files, random)
    }

    fn memory(&self) -> usize {
        MEMORY
    }

    fn named(&self) -> &str {
        ".skim"
    }
}

/// A mutant of one of several `.skim` files.
fn sealed_one_of(files: &ManyFiles, random: &mut Random) -> Option<Vec<u8>> {
    let seeds = files.seeds();
    let (number, contents) = random.pick(&seeds).split_first()?;
    let mutant = sealed(&[contents.to_vec()], random)?;
    Some([&[*number], mutant.as_slice()].concat())
}

/// Similar authors.
pub(super) struct Similar(Single);
reads_one_file!(Similar, read_similar);

impl Similar {
    pub(super) fn new() -> Self {
        let mut writer = SimilarWriter::new(Vec::new()).expect("memory takes everything");
        for author in 0..40u8 {
            let list: Vec<(Id, f64)> =
                (0..author % 4).map(|place| (Id([author ^ (place + 1); 16]), 1.0 / f64::from(place + 1))).collect();
            writer.push(Id([author; 16]), &list).expect("memory takes everything");
        }
        Self(Single::new(vec![writer.finish().expect("memory takes everything")]))
    }
}

/// An author, whom it resembles, and how much.
type SimilarList = (Id, Vec<Id>, Vec<f64>);

fn read_similar(path: &Path) -> Result<Vec<SimilarList>, skimlog_features::similar::SimilarError> {
    let mut lists = Vec::new();
    read_lists(path, |author, similar, scores| lists.push((author, similar.to_vec(), scores.to_vec())))?;
    let looked_up = SimilarAuthors::open(path)?;
    for (author, similar, _) in &lists {
        let found = looked_up.get(skimlog_features::key::Key::of(*author)).0;
        assert_eq!(found.len(), similar.len(), "an author has another list");
    }
    Ok(lists)
}

/// Token codes.
pub(super) struct Codes(Single);
reads_one_file!(Codes, TokenCodes::read);

impl Codes {
    pub(super) fn new() -> Self {
        let shape = SketchShape::new(2, 8).expect("a sketch of this size");
        let hashed = TokenCodes::hashed(shape, 4, 12).expect("a small vocabulary");
        let written = |codes: TokenCodes| codes.write(Vec::new()).expect("memory takes everything");
        Self(Single::new(vec![written(token_codes()), written(hashed)]))
    }
}

/// Codes of some tokens for sketches of depth 2 and width 8.
pub(super) fn token_codes() -> TokenCodes {
    let tokens: Vec<u32> = (0..200).map(|token| token * 7 + 100).collect();
    let codes: Vec<u16> = (0..2 * tokens.len()).map(|code| (code * code % 8) as u16).collect();
    let shape = SketchShape::new(2, 8).expect("a sketch of this size");
    TokenCodes::new(shape, 4, &tokens, &codes).expect("the codes fit")
}

/// The totals of a count table.
pub(super) struct Totals(Single);
reads_one_file!(Totals, totals_of);

impl Totals {
    pub(super) fn new() -> Self {
        let mut fields = vec![Field::flat("key", ValueType::U64)];
        fields.extend(Reaction::ALL.map(|reaction| Field::flat(reaction.name(), ValueType::U32)));
        fields.push(Field::flat("none", ValueType::U32));
        let schema = Schema::new(TOTALS_KIND, fields);
        let keys: Vec<u64> = (1..90).map(|key: u64| key * (u64::MAX / 90)).collect();
        let counts: Vec<u32> = (1..90).map(|key: u32| key % 5).collect();
        let mut columns = vec![ColumnRef::flat(&keys)];
        columns.extend([(); 5].map(|()| ColumnRef::flat(&counts)));
        let mut writer = Writer::new(Vec::new(), &schema).expect("memory takes everything");
        writer.append(encode_block(&schema, &columns).expect("the columns fit")).expect("memory takes everything");
        Self(Single::new(vec![writer.finish().expect("memory takes everything")]))
    }
}

fn totals_of(path: &Path) -> Result<Vec<(u64, skimlog_features::counts::ReactionCounts)>, FreezeError> {
    let table = Table::ALL.into_iter().find(|table| table.has_unreacted()).expect("there is one");
    let mut all = Vec::new();
    read_totals(&Reader::open(path)?, table, |key, counts| {
        all.push((key.0, *counts));
        Ok(())
    })?;
    Ok(all)
}

/// Writes a part for a target that needs one beside what it mutates.
pub(super) fn write_part(path: &Path, records: &RecordBatch) {
    let file = File::create(path).expect("the temporary file is made");
    let mut writer = PartWriter::new(file, records.reactions.is_some()).expect("the temporary file is written");
    writer.append(encode(records).expect("records fit a part")).expect("the temporary file is written");
    writer.finish().expect("the temporary file is written");
}
