//! Dictionaries written and read: against a map, for any threads and memory, and damaged.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use skimlog_formats::columnar::{ColumnRef, Field, Reader, Schema, ValueType, Writer, encode_block};
use skimlog_formats::{Id, Lists};
use skimlog_runtime::shuffle::{Pool, Scratch};

use super::*;
use crate::identity::id_of;

/// Writes a dictionary with these texts, dealt to `threads` threads, and gives its bytes.
fn written(texts: &[Vec<u8>], threads: usize, memory: u64) -> (Vec<u8>, DictionarySummary) {
    let folder = tempfile::tempdir().unwrap();
    let (path, scratch) = (folder.path().join("part-00000.ids"), folder.path().join("scratch"));
    let (scratch, pool) = (Scratch::prepare(scratch).unwrap(), Pool::new(memory));
    let builder = IdDictionaryBuilder::new("ids", NonZeroUsize::new(threads).unwrap(), &pool, &scratch);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let builder = &builder;
            scope.spawn(move || {
                let mut own = texts.iter().skip(thread).step_by(threads).peekable();
                while own.peek().is_some() {
                    // As an import does for each block of rows.
                    let mut collector = builder.collector();
                    for text in own.by_ref().take(100) {
                        assert_eq!(collector.add(text).unwrap(), id_of(text));
                    }
                }
            });
        }
    });
    let summary = builder.finish(&path).unwrap();
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "spill files are removed");
    assert_eq!(pool.held(), 0);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len() as u64, summary.bytes);
    (bytes, summary)
}

/// Puts bytes into a file.
fn file_of(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part-00000.ids");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Texts as logs have them: some of each kind, some of them more than once.
fn texts_of_a_log(count: usize) -> Vec<Vec<u8>> {
    let text = |number: usize| match number % 5 {
        0 => format!("did:plc:{:x}", (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        1 => format!("at://did:plc:{number}/app.bsky.feed.post/{}", number * number),
        2 => (number / 7).to_string(),
        3 => format!("{:032X}", number),
        _ => format!("https://example.org/{}", "ä/".repeat(number % 40)),
    };
    (0..count).map(|number| text(number).into_bytes()).collect()
}

/// What a dictionary of these texts has to hold.
fn expected(texts: &[Vec<u8>]) -> BTreeMap<Id, Vec<u8>> {
    texts.iter().filter(|text| !is_id(text)).map(|text| (id_of(text), text.clone())).collect()
}

fn content(dictionary: &IdDictionary) -> Vec<(Id, Vec<u8>)> {
    let mut all = Vec::new();
    let push = |id, text: &[u8]| {
        all.push((id, text.to_vec()));
        Ok::<(), IdsError>(())
    };
    dictionary.visit(push).unwrap();
    for count in [0, 1, 1_500, u64::MAX] {
        assert!(dictionary.first(count).unwrap().iter().eq(all.iter().take(count.min(1 << 20) as usize)));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_dictionary_is_a_map(
        short in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3), 0..300),
        long in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..20),
        ids in prop::collection::vec(any::<[u8; 16]>(), 0..20),
        threads in 1..4usize,
        memory in prop::sample::select(vec![0u64, 10_000, 1 << 30]),
        kept in prop::sample::select(vec![0u64, 5_000, 1 << 30]),
    ) {
        let mut texts = [short, long].concat();
        texts.extend(ids.iter().map(|&id| Id(id).to_hex().to_vec()));
        let (bytes, summary) = written(&texts, threads, memory);
        let map = expected(&texts);
        prop_assert_eq!(summary.distinct, map.len() as u64);
        let (_folder, path) = file_of(&bytes);
        let dictionary = IdDictionary::open_within(&path, kept).unwrap();
        dictionary.verify().unwrap();
        prop_assert!(content(&dictionary).into_iter().eq(map.clone()));
        // Those that are there, twice, and some that are not.
        let mut asked: Vec<Id> = texts.iter().chain(&texts).map(|text| id_of(text)).collect();
        asked.extend(ids.iter().map(|&id| Id(id)));
        asked.extend([Id([0; 16]), Id([0xFF; 16])]);
        let mut found = vec![None; asked.len()];
        dictionary.texts(&asked, |place, text| {
            assert_eq!(found[place].replace(text.map(<[u8]>::to_vec)), None, "each place is answered once");
        }).unwrap();
        for (id, found) in asked.iter().zip(found) {
            let expected = map.get(id).cloned();
            prop_assert_eq!(found.unwrap(), expected.clone());
            prop_assert_eq!(dictionary.text(*id).unwrap(), expected);
        }
        let own = Dictionaries::open([&path]).unwrap().own_ids(&asked).unwrap();
        for (text, own) in texts.iter().chain(&texts).zip(own.iter()) {
            prop_assert_eq!(&text[..], own);
        }
    }
}

#[test]
fn the_file_depends_on_the_set_of_texts_alone() {
    let texts = texts_of_a_log(60_000);
    let (expected_bytes, summary) = written(&texts, 1, 1 << 30);
    assert!(summary.distinct > 20 * 1024, "{summary:?}");
    let mut reversed = texts.clone();
    reversed.reverse();
    reversed.extend(texts[..5000].iter().cloned());
    // The smallest memories are far below what one partition needs, which is then partitioned again, and again.
    for (texts, threads, memory) in
        [(&texts, 3, 1 << 30), (&texts, 2, 1 << 20), (&reversed, 1, 60_000), (&reversed, 4, 0), (&texts, 1, 0)]
    {
        let (bytes, again) = written(texts, threads, memory);
        assert!(bytes == expected_bytes, "{threads} threads, {memory} bytes");
        assert_eq!(again, summary);
    }
}

#[test]
fn long_texts_end_a_block_early() {
    let texts: Vec<Vec<u8>> = (0..100u8).map(|number| vec![number; LONGEST_TEXT]).collect();
    let (bytes, _) = written(&texts, 2, 1 << 20);
    let (_folder, path) = file_of(&bytes);
    assert!(Reader::open(&path).unwrap().blocks() > 5);
    assert!(content(&IdDictionary::open(&path).unwrap()).into_iter().eq(expected(&texts)));
}

#[test]
fn a_text_that_is_too_long_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (scratch, pool) = (Scratch::prepare(folder.path().join("scratch")).unwrap(), Pool::new(1 << 20));
    let builder = IdDictionaryBuilder::new("ids", NonZeroUsize::MIN, &pool, &scratch);
    let mut collector = builder.collector();
    let [message, again] = [(); 2].map(|()| collector.add("ü".repeat(40_000).as_bytes()).unwrap_err().to_string());
    assert_eq!(message, again);
    assert_eq!(
        message,
        format!(
            "an id of 80000 bytes, beginning with {:?}: an id has at most 65535 bytes, map another column to this \
             field",
            "ü".repeat(40)
        )
    );
}

#[test]
fn texts_that_cannot_go_to_disk_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (scratch, pool) = (Scratch::prepare(folder.path().join("scratch")).unwrap(), Pool::new(0));
    let builder = IdDictionaryBuilder::new("ids", NonZeroUsize::MIN, &pool, &scratch);
    let mut collector = builder.collector();
    // Enough to go to disk.
    collector.add(&[b'a'; 1000]).unwrap();
    fs::remove_dir(scratch.path()).unwrap();
    drop(collector);
    let path = folder.path().join("part.ids");
    let message = builder.finish(&path).unwrap_err().to_string();
    assert!(
        message.starts_with("cannot write the spill file ") && message.contains("free some disk space"),
        "{message}"
    );
    assert!(!path.exists());
}

#[test]
fn several_dictionaries_are_looked_up_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let texts = texts_of_a_log(9_000);
    for (number, texts) in texts.chunks(3_000).enumerate() {
        fs::write(folder.path().join(format!("part-{number:05}.ids")), written(texts, 1, 1 << 30).0).unwrap();
    }
    fs::write(folder.path().join("part-00000.skim"), b"not looked at").unwrap();
    fs::write(folder.path().join(".unfinished-part-00003.ids"), b"not looked at").unwrap();
    let dictionaries = Dictionaries::of_folder(folder.path()).unwrap();
    assert_eq!(dictionaries.iter().len(), 3);
    let unknown = Id([0x5A; 16]);
    let ids: Vec<Id> = texts.iter().rev().map(|text| id_of(text)).chain([unknown, unknown]).collect();
    let own = dictionaries.own_ids(&ids).unwrap();
    assert_eq!((own.len(), own.found()), (9_002, expected(&texts).len()));
    let hexadecimal = unknown.to_hex().to_vec();
    let all = texts.iter().rev().chain([&hexadecimal, &hexadecimal]);
    assert!(own.iter().eq(all.map(Vec::as_slice)));

    let parts = ["part-00001.skim", "part-00007.skim"].map(|name| folder.path().join(name));
    let beside = Dictionaries::beside(parts).unwrap();
    assert_eq!(beside.iter().map(IdDictionary::path).collect::<Vec<_>>(), [folder.path().join("part-00001.ids")]);
    assert!(Dictionaries::beside([folder.path().join("part-00007")]).unwrap().is_empty());
    assert_eq!(Dictionaries::default().own_ids(&[unknown]).unwrap().get(0), hexadecimal);
}

#[test]
fn every_damaged_byte_is_found() {
    let (bytes, _) = written(&texts_of_a_log(40), 1, 1 << 20);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let (_folder, path) = file_of(&damaged);
        let message = IdDictionary::open(&path).and_then(|dictionary| dictionary.verify()).unwrap_err().to_string();
        assert!(message.contains("part-00000.ids"), "byte {at}: {message}");
    }
}

/// A file with valid checksums, of blocks with these first ids and texts.
fn sealed(schema: &Schema, blocks: &[(Vec<Id>, Vec<&[u8]>)]) -> (tempfile::TempDir, PathBuf) {
    let mut writer = Writer::new(Vec::new(), schema).unwrap();
    for (first, texts) in blocks {
        let texts: Lists<u8> = texts.iter().copied().collect();
        writer.append(encode_block(schema, &[ColumnRef::flat(first), ColumnRef::lists(&texts)]).unwrap()).unwrap();
    }
    file_of(&writer.finish().unwrap())
}

#[test]
fn what_stands_in_the_wrong_place_is_named() {
    let mut texts: Vec<&[u8]> = vec![b"a", b"b", b"c", b"d"];
    texts.sort_by_key(|text| id_of(text));
    let [a, b, c, d] = texts[..] else { unreachable!() };
    let ids = |text: &[u8], count: usize| vec![id_of(text); count];
    let mut schema = Schema::new(KIND, vec![Field::flat("first", ValueType::Id), Field::list("text", ValueType::U8)]);
    schema.metadata.insert("hash".into(), "XXH3-128".into());
    let problem = |path: &Path| IdDictionary::open(path).and_then(|dictionary| dictionary.verify());
    let hexadecimal = b"00112233445566778899AABBCCDDEEFF";

    let (_folder, path) = sealed(&schema, &[(ids(a, 2), vec![a, b]), (ids(c, 2), vec![c, d])]);
    problem(&path).unwrap();
    let cases = [
        (vec![(ids(a, 2), vec![a, b]), (ids(d, 2), vec![d, c])], "text 3 (counted from 0) does not have a higher id"),
        (vec![(ids(a, 3), vec![a, b, b])], "text 2 (counted from 0) does not have a higher id"),
        (vec![(ids(a, 2), vec![a, d]), (ids(c, 1), vec![c])], "text 1 (counted from 0) has a higher id than the next"),
        (
            vec![(ids(b, 1), vec![b]), (ids(a, 1), vec![a])],
            "text 1 (counted from 0) does not have a higher id than the block",
        ),
        (vec![(ids(a, 2), vec![b, c])], "text 0 (counted from 0) has another id than its block says"),
        (vec![(vec![id_of(a), id_of(b)], vec![a, b])], "text 0 (counted from 0) has several ids as the first"),
        (vec![(ids(hexadecimal, 1), vec![hexadecimal])], "text 0 (counted from 0) is a 128-bit id itself"),
    ];
    for (blocks, expected) in cases {
        let (_folder, path) = sealed(&schema, &blocks);
        let message = problem(&path).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{}: {expected}", path.display())), "{message}");
        assert!(message.ends_with(": the file is damaged, import the log again"), "{message}");
    }

    schema.metadata.insert("hash".into(), "MD5".into());
    let (_folder, path) = sealed(&schema, &[]);
    let message = problem(&path).unwrap_err().to_string();
    assert!(message.contains("its ids are made with \"MD5\", this program knows \"XXH3-128\" only"), "{message}");
    schema.kind = "part".into();
    let (_folder, path) = sealed(&schema, &[]);
    let message = problem(&path).unwrap_err().to_string();
    assert!(message.ends_with("a file of kind \"part\" where one of kind \"ids\" is needed"), "{message}");
}

/// `fixtures/ids-v3.ids` is what version 3 of the container made of the first 3,000 of [`texts_of_a_log`].
#[test]
fn the_file_of_every_version_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/ids-v3.ids");
    assert_eq!(Reader::open(&path).unwrap().version(), 3);
    let dictionary = IdDictionary::open(&path).unwrap();
    dictionary.verify().unwrap();
    let texts = texts_of_a_log(3_000);
    assert!(content(&dictionary).into_iter().eq(expected(&texts)));
    assert_eq!(dictionary.text(id_of(b"did:plc:0")).unwrap().as_deref(), Some(&b"did:plc:0"[..]));
}
