//! Dictionaries of ids, as look-ups read them.

use std::num::NonZeroUsize;
use std::path::Path;

use skimlog_formats::columnar::{ColumnRef, Field, Schema, ValueType, Writer, encode_block};
use skimlog_formats::{Id, Lists};
use skimlog_import::identity::id_of;
use skimlog_import::ids::{Dictionaries, IdDictionary, IdDictionaryBuilder, IdsError, KIND};
use skimlog_runtime::shuffle::{Pool, Scratch as Spill};

use super::skim::{MEMORY, NAME, Single, reads_one_file, sealed, verdict};
use crate::random::Random;
use crate::scratch::Scratch;
use crate::{Exact, Target, Verdict};

/// A dictionary: every text, and the look-up of its id.
pub(super) struct Dictionary(Single);
reads_one_file!(Dictionary, read);

impl Dictionary {
    pub(super) fn new() -> Self {
        Self(Single::new(vec![one_block(), two_blocks()]))
    }
}

fn texts() -> Vec<String> {
    (0..40).map(|number| format!("did:plc:{}", "user".repeat(number % 5) + &number.to_string())).collect()
}

/// What the import writes.
fn one_block() -> Vec<u8> {
    let scratch = Scratch::new();
    scratch.written("seed.ids", |path| {
        let (spill, pool) = (Spill::prepare(scratch.path().join("spill"))?, Pool::new(1 << 20));
        let builder = IdDictionaryBuilder::new("ids", NonZeroUsize::MIN, &pool, &spill);
        let mut collector = builder.collector();
        texts().iter().try_for_each(|text| collector.add(text.as_bytes()).map(drop))?;
        drop(collector);
        builder.finish(path).map(drop)
    })
}

/// The same in two blocks, which it writes of more than a thousand texts only.
fn two_blocks() -> Vec<u8> {
    let mut texts = texts();
    texts.sort_by_key(|text| id_of(text.as_bytes()));
    let mut schema = Schema::new(KIND, vec![Field::flat("first", ValueType::Id), Field::list("text", ValueType::U8)]);
    schema.metadata.insert("hash".into(), "XXH3-128".into());
    let mut writer = Writer::new(Vec::new(), &schema).expect("memory takes everything");
    for block in texts.chunks(25) {
        let first = vec![id_of(block[0].as_bytes()); block.len()];
        let texts: Lists<u8> = block.iter().map(String::as_bytes).collect();
        let columns = [ColumnRef::flat(&first), ColumnRef::lists(&texts)];
        writer.append(encode_block(&schema, &columns).expect("the columns fit")).expect("memory takes everything");
    }
    writer.finish().expect("memory takes everything")
}

fn read(path: &Path) -> Result<Vec<(Id, Vec<u8>)>, IdsError> {
    let dictionary = IdDictionary::open(path)?;
    dictionary.verify()?;
    let mut all = Vec::new();
    dictionary.visit(|id, text| {
        all.push((id, text.to_vec()));
        Ok::<(), IdsError>(())
    })?;
    let ids: Vec<Id> = all.iter().map(|&(id, _)| id).collect();
    let own = Dictionaries::open([path])?.own_ids(&ids)?;
    assert_eq!(own.found(), ids.len(), "an id is not found");
    assert!(own.iter().eq(all.iter().map(|(_, text)| &text[..])), "an id has another text");
    assert!(all.iter().all(|(id, text)| id_of(text) == *id), "a text has another id");
    Ok(all)
}
