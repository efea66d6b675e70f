use std::fs;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use skimlog_formats::record::{FieldCount, RecordBatch, sample, write_record};
use skimlog_runtime::progress::Silent;
use skimlog_runtime::semaphore::Semaphore;
use skimlog_runtime::stream::{BlockSize, LineBlocks};

use super::{ConvertError, ConvertOptions, ConvertSummary, Format, PartInput, Quarantine, Unusual, convert};

/// A format that keeps the batches as text and notes where blocks begin.
#[derive(Clone, Debug, Default, PartialEq)]
struct Blocks(Vec<Vec<u8>>);

fn encode(batch: &RecordBatch) -> Result<Vec<u8>, std::io::Error> {
    let mut text = Vec::new();
    (0..batch.rows).for_each(|row| write_record(batch, row, &mut text));
    Ok(text)
}

struct Text;

impl Format for Text {
    type Output = Blocks;
    type Encoder = ();
    type Columns = Vec<u8>;
    type Error = std::io::Error;

    fn open(&self, _: usize, _: FieldCount) -> Result<Blocks, std::io::Error> {
        Ok(Blocks::default())
    }

    fn encode(&self, (): &mut (), batch: &RecordBatch) -> Result<Vec<u8>, std::io::Error> {
        encode(batch)
    }

    fn append(&self, output: &mut Blocks, block: Vec<u8>) -> Result<(), std::io::Error> {
        output.0.push(block);
        Ok(())
    }

    fn without_final_newline(&self, output: &mut Blocks) {
        output.0.last_mut().map(Vec::pop);
    }
}

/// What becomes of parts, and why no more does.
fn run_all(
    parts: impl IntoIterator<Item = LineBlocks, IntoIter: Send>,
    (threads, options): &(NonZeroUsize, ConvertOptions),
) -> (Vec<(Blocks, ConvertSummary)>, Result<(), String>) {
    let mut made = Vec::new();
    let parts = parts.into_iter().map(|blocks| Ok::<_, ConvertError>(PartInput::Raw(blocks, options.clone())));
    let finished = |blocks, summary| {
        made.push((blocks, summary));
        Ok(())
    };
    let outcome = convert(parts, *threads, &Text, finished, &Silent).map_err(|error| error.to_string());
    (made, outcome)
}

fn run(blocks: LineBlocks, options: &(NonZeroUsize, ConvertOptions)) -> Result<(Blocks, ConvertSummary), String> {
    let (mut made, outcome) = run_all([blocks], options);
    outcome.map(|()| made.pop().unwrap())
}

fn threads(threads: usize) -> (NonZeroUsize, ConvertOptions) {
    (NonZeroUsize::new(threads).unwrap(), ConvertOptions::default())
}

fn golden(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/small/raw").join(part)
}

fn mapped(path: &Path, lines: usize) -> LineBlocks {
    LineBlocks::open(path, BlockSize { lines, ..BlockSize::default() }, None).unwrap()
}

fn piped(text: &[u8], lines: usize) -> LineBlocks {
    LineBlocks::of_reader("pipe", Cursor::new(text.to_vec()), BlockSize { lines, ..BlockSize::default() })
}

#[test]
fn a_part_comes_through_whole_mapped_or_piped_on_any_number_of_threads() {
    for (part, fields) in [("train/part-00000", FieldCount::Labelled), ("test/part-00000", FieldCount::Unlabelled)] {
        let text = fs::read(golden(part)).unwrap();
        let (one, summary) = run(mapped(&golden(part), 300), &threads(1)).unwrap();
        let records = text.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let (bytes_read, unusual) = (text.len() as u64, Unusual::default());
        assert_eq!(summary, ConvertSummary { fields, records, rejected: 0, bytes_read, unusual, ids: None });
        assert!(one.0.concat() == text);
        assert_eq!(one.0.len() as u64, records.div_ceil(300));
        assert!(run(mapped(&golden(part), 300), &threads(2)).unwrap() == (Blocks(one.0.clone()), summary));
        assert!(run(piped(&text, 300), &threads(2)).unwrap() == (one, summary));
    }
}

#[test]
fn a_part_without_a_final_newline_comes_back_without_one() {
    let mut text = fs::read(golden("train/part-00000")).unwrap();
    text.pop();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &text).unwrap();
    for count in [1, 2] {
        let (blocks, summary) = run(mapped(file.path(), 300), &threads(count)).unwrap();
        assert!(blocks.0.concat() == text);
        assert_eq!(
            (summary.records, summary.unusual.to_string().as_str()),
            (5_000, "no newline after the last record")
        );
        assert!(run(piped(&text, 300), &threads(count)).unwrap() == (blocks, summary));
    }
}

#[test]
fn the_first_bad_line_stops_with_file_line_field_and_reason() {
    let mut text = fs::read(golden("train/part-00000")).unwrap();
    let begin = |text: &[u8], line: usize| memchr::memchr_iter(b'\n', text).nth(line - 2).unwrap() + 1;
    for line in [4_001, 1_234] {
        let at = begin(&text, line);
        text.splice(at..at + 3, *b"x01");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &text).unwrap();
    let what = ":1234: text tokens: is not a decimal number (found \"x01\")";
    for count in [1, 2] {
        let error = run(mapped(file.path(), 100), &threads(count)).unwrap_err();
        assert_eq!(error, format!("{}{what}", file.path().display()));
        assert_eq!(run(piped(&text, 100), &threads(count)).unwrap_err(), format!("pipe{what}"));
    }
}

#[test]
fn quarantine_keeps_the_whole_line_and_goes_on_up_to_its_limit() {
    let text = fs::read(golden("train/part-00001")).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').take(50).collect();
    let mut damaged: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
    damaged[6] = b"\tnonsense \xFF\n".to_vec();
    damaged[7] = b"\n".to_vec();
    damaged[30].insert(0, b'0');
    damaged[49].truncate(9);
    let bad = [6, 7, 30, 49];
    let rejected: Vec<u8> = bad.iter().flat_map(|&line| damaged[line].iter().copied()).chain(*b"\n").collect();
    let accepted: Vec<u8> = (0..50).filter(|line| !bad.contains(line)).flat_map(|line| lines[line].to_vec()).collect();
    let directory = tempfile::tempdir().unwrap();
    let quarantine = directory.path().join("rejected");
    let part = directory.path().join("part-00001");
    fs::write(&part, damaged.concat()).unwrap();
    let options = |count, most| {
        let (directory, name) = (quarantine.clone(), "part-00001".into());
        let quarantine = Some(Quarantine { directory, name, ending: "tsv", most });
        (threads(count).0, ConvertOptions { quarantine, ..ConvertOptions::default() })
    };
    for (count, size) in [(1, 7), (2, 7), (2, 1), (2, 65_536)] {
        let (blocks, summary) = run(mapped(&part, size), &options(count, 4)).unwrap();
        assert!(blocks.0.concat() == accepted);
        assert_eq!((summary.records, summary.rejected), (46, 4));
        assert!(fs::read(quarantine.join("part-00001.tsv")).unwrap() == rejected);
        assert_eq!(
            fs::read_to_string(quarantine.join("part-00001.reasons.tsv")).unwrap(),
            "7\tfound 1 fields, expected 24\n8\tthe line is empty: every line must be a record\n\
             31\ttext tokens: has a leading zero (found \"0101\")\n\
             50\tfound 1 fields, expected 24\n"
        );
    }
    for count in [1, 2] {
        let error = run(mapped(&part, 7), &options(count, 2)).unwrap_err();
        let lines = quarantine.join("part-00001.tsv");
        let what = "31: text tokens: has a leading zero (found \"0101\"); that is one bad record more than \
                    max_bad_records (2)";
        assert_eq!(error, format!("{}:{what}, see all of them in {}", part.display(), lines.display()));
        assert_eq!(fs::read(lines).unwrap().split(|&byte| byte == b'\n').count(), 4);
    }
    // A part that has been mended leaves nothing behind.
    fs::write(&part, &text).unwrap();
    run(mapped(&part, 7), &options(1, 0)).unwrap();
    assert_eq!(fs::read_dir(&quarantine).unwrap().count(), 0);
}

#[test]
fn text_that_is_no_part_is_refused() {
    let quarantine = tempfile::tempdir().unwrap();
    let directory = quarantine.path().to_owned();
    let quarantine = Some(Quarantine { directory, name: "pipe".into(), ending: "tsv", most: 1_000 });
    let lenient = (NonZeroUsize::MIN, ConvertOptions { quarantine, ..ConvertOptions::default() });
    for options in [&threads(1), &lenient] {
        let error = run(piped(b"a,b\nc,d\n", 10), options).unwrap_err();
        assert_eq!(error, "pipe:1: found 1 fields, expected 24 (with reactions) or 20 (without)");
        assert_eq!(run(piped(b"", 10), options).unwrap_err(), "pipe is empty: a part has at least one record");
    }
}

#[test]
fn parts_are_converted_one_after_the_other_up_to_the_first_that_cannot_be() {
    let [train, other] = ["train/part-00000", "train/part-00001"].map(golden);
    let alone: Vec<_> = [&train, &other].map(|part| run(mapped(part, 300), &threads(1)).unwrap()).into();
    for count in [1, 2, 5] {
        let at_once = Semaphore::new(1);
        let size = BlockSize { lines: 300, ..BlockSize::default() };
        let parts = [&train, &other].map(|part| (part, at_once.clone()));
        let parts =
            parts.into_iter().map(|(part, at_once)| LineBlocks::open(part, size, Some(at_once.acquire())).unwrap());
        assert!(run_all(parts, &threads(count)) == (alone.clone(), Ok(())));

        let parts = [mapped(&train, 300), piped(b"", 10), mapped(&other, 300)];
        let (made, outcome) = run_all(parts, &threads(count));
        assert_eq!(outcome.unwrap_err(), "pipe is empty: a part has at least one record");
        assert!(made == alone[..1]);
    }
}

struct FullDisk;

impl Format for FullDisk {
    type Output = ();
    type Encoder = ();
    type Columns = ();
    type Error = std::io::Error;

    fn open(&self, _: usize, _: FieldCount) -> Result<(), std::io::Error> {
        Ok(())
    }

    fn encode(&self, (): &mut (), _: &RecordBatch) -> Result<(), std::io::Error> {
        Ok(())
    }

    fn append(&self, (): &mut (), (): ()) -> Result<(), std::io::Error> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn without_final_newline(&self, (): &mut ()) {}
}

#[test]
fn a_full_disk_is_an_error_of_the_part() {
    let parts = [Ok(PartInput::Raw(mapped(&golden("test/part-00000"), 10), ConvertOptions::default()))];
    let outcome: Result<(), ConvertError> =
        convert(parts.into_iter(), threads(2).0, &FullDisk, |(), _| Ok(()), &Silent);
    let error = outcome.unwrap_err().to_string();
    assert!(error.starts_with("cannot write the columns of ") && error.ends_with("no storage space"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_damage_gives_the_same_mapped_and_piped(
        batch in sample::batches(1..30),
        damage in prop::collection::vec((any::<prop::sample::Index>(), sample::bytes()), 0..4),
        lines in 1..10usize,
    ) {
        let mut text = encode(&batch).unwrap();
        for (at, byte) in damage {
            let at = at.index(text.len());
            text[at] = byte;
        }
        let directory = tempfile::tempdir().unwrap();
        let part = directory.path().join("pipe");
        fs::write(&part, &text).unwrap();
        let quarantine = directory.path().join("rejected");
        let options = |count| {
            let (directory, name) = (quarantine.clone(), "pipe".into());
            let quarantine = Some(Quarantine { directory, name, ending: "tsv", most: 1_000 });
            (threads(count).0, ConvertOptions { quarantine, ..ConvertOptions::default() })
        };
        let outcome = |blocks: LineBlocks, count| {
            let outcome = run(blocks, &options(count)).map_err(|error| error.replace(part.to_str().unwrap(), "pipe"));
            (outcome, fs::read(quarantine.join("pipe.tsv")).ok(), fs::read(quarantine.join("pipe.reasons.tsv")).ok())
        };
        let expected = outcome(mapped(&part, lines), 1);
        prop_assert_eq!(&outcome(mapped(&part, lines), 2), &expected);
        prop_assert_eq!(&outcome(piped(&text, lines), 2), &expected);
        if let (Ok((blocks, summary)), rejected, _) = expected {
            // Nothing is lost: every line is in one place or the other.
            let accepted = blocks.0.concat();
            let mut both: Vec<&[u8]> = accepted.split_inclusive(|&b| b == b'\n').collect();
            let rejected = rejected.unwrap_or_default();
            both.extend(rejected.split_inclusive(|&b| b == b'\n'));
            let mut all: Vec<&[u8]> = text.split_inclusive(|&b| b == b'\n').collect();
            prop_assert_eq!(summary.records + summary.rejected, all.len() as u64);
            both.sort_unstable();
            all.sort_unstable();
            prop_assert!(both == all || !text.ends_with(b"\n"));
        }
    }
}
