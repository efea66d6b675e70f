//! The container's promises: what is written is read back, in the encoding that suits it, and damage never goes
//! unnoticed.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use skimlog_formats::columnar::{
    Advice, Column, ColumnRef, ColumnarError, EncodedBlock, Field, Reader, Scalar, Schema, ValueType, Values, Writer,
    encode_block, encode_block_advised,
};
use skimlog_formats::{Id, Lists};

fn write(path: &Path, schema: &Schema, blocks: impl IntoIterator<Item = EncodedBlock>) {
    let mut writer = Writer::new(Vec::new(), schema).unwrap();
    blocks.into_iter().for_each(|block| writer.append(block).unwrap());
    fs::write(path, writer.finish().unwrap()).unwrap();
}

/// Bits rather than values, so that floats that are not a number compare.
fn bits(column: &Column) -> (Option<Vec<u32>>, Vec<u64>, Vec<Id>) {
    let (offsets, values) = match column {
        Column::Flat(values) => (None, values),
        Column::List { offsets, values } => (Some(offsets.clone()), values),
    };
    let (numbers, ids) = match values.clone() {
        Values::Bool(values) => (values.into_iter().map(u64::from).collect(), Vec::new()),
        Values::U8(values) => (values.into_iter().map(u64::from).collect(), Vec::new()),
        Values::U16(values) => (values.into_iter().map(u64::from).collect(), Vec::new()),
        Values::U32(values) => (values.into_iter().map(u64::from).collect(), Vec::new()),
        Values::U64(values) => (values, Vec::new()),
        Values::I64(values) => (values.into_iter().map(|value| value as u64).collect(), Vec::new()),
        Values::F32(values) => (values.into_iter().map(|value| value.to_bits().into()).collect(), Vec::new()),
        Values::F64(values) => (values.into_iter().map(f64::to_bits).collect(), Vec::new()),
        Values::Id(ids) => (Vec::new(), ids),
    };
    (offsets, numbers, ids)
}

fn field_of(name: String, column: &Column) -> Field {
    let reference = column.as_ref();
    Field { name, value: reference.values().value_type(), list: matches!(column, Column::List { .. }) }
}

fn assert_reads_back(columns: &[Column], advice: &[Advice]) -> Vec<String> {
    let fields = columns.iter().enumerate().map(|(index, column)| field_of(format!("c{index}"), column)).collect();
    let schema = Schema::new("test", fields);
    let references: Vec<ColumnRef<'_>> = columns.iter().map(Column::as_ref).collect();
    let block = encode_block_advised(&schema, &references, advice).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.skim");
    write(&path, &schema, [block.clone(), block]);
    let reader = Reader::open(&path).unwrap();
    reader.verify().unwrap();
    for block in 0..reader.blocks() {
        for (field, column) in columns.iter().enumerate() {
            assert_eq!(bits(&reader.read(block, field).unwrap()), bits(column), "column {field}");
        }
    }
    match reader.blocks() {
        0 => Vec::new(),
        _ => (0..columns.len()).map(|field| reader.chunk_info(1, field).unwrap().encoding).collect(),
    }
}

/// A repeatable stream of numbers that look random.
fn noise(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    })
}

fn id(number: u64) -> Id {
    let bytes: Vec<u8> = noise(number).take(2).flat_map(u64::to_le_bytes).collect();
    Id(bytes.try_into().unwrap())
}

/// A number with a long tail: halves every time a bit is set.
fn long_tailed(random: u64, scale: u32) -> u32 {
    let octave = (random as u32 | 1 << 20).trailing_zeros();
    (random >> 32) as u32 % (scale << octave)
}

#[test]
fn the_encoding_follows_the_values() {
    const ROWS: usize = 20_000;
    let random: Vec<u64> = noise(1).take(ROWS).collect();
    let flat = |values| Column::Flat(values);
    let numbers = |of: &dyn Fn(u64) -> u32| flat(Values::U32(random.iter().map(|&r| of(r)).collect()));
    let users: Vec<u64> = random.iter().map(|&r| u64::from(long_tailed(r, 40))).collect();
    let times: Vec<u32> = random.iter().map(|&r| 1_612_000_000 + (r % 1_800_000) as u32).collect();
    let columns = [
        ("constant", flat(Values::U64(vec![7; ROWS])), Advice::Auto),
        ("packed 20", numbers(&|r| 1_000_000 + (r % 1_000_000) as u32), Advice::Auto),
        ("slots+zstd", numbers(&|r| (r >> 40) as u32 >> (r % 20)), Advice::Auto),
        ("packed 1+zstd", flat(Values::Bool(random.iter().map(|r| r % 30 == 0).collect())), Advice::Auto),
        (
            "delta(",
            flat(Values::U32(
                times
                    .iter()
                    .scan(0, |t, r| {
                        Some({
                            *t += r % 3000;
                            *t
                        })
                    })
                    .collect(),
            )),
            Advice::Auto,
        ),
        ("dictionary 5(", numbers(&|r| [5, 1 << 30, 1 << 22, 1 << 10, 77][(r % 5) as usize]), Advice::Auto),
        ("dictionary ", numbers(&|r| (u64::from(long_tailed(r, 9)) * 7919 % 119_547) as u32), Advice::Auto),
        ("planes 4", flat(Values::F32(random.iter().map(|&r| (r % 1024) as f32).collect())), Advice::Plain),
        ("plain", flat(Values::U64(random.clone())), Advice::Auto),
        ("plain", flat(Values::Id(random.iter().map(|&r| id(r)).collect())), Advice::Auto),
        ("fresh(", flat(Values::Id(users.iter().map(|&user| id(user)).collect())), Advice::Auto),
        (
            "keyed by c10",
            flat(Values::U32(users.iter().map(|u| (u * 7_777_777) as u32).collect())),
            Advice::KeyedBy(10),
        ),
        ("packed 21", flat(Values::U32(times.clone())), Advice::Auto),
        (
            "relative to c12",
            flat(Values::U32(
                times.iter().zip(&random).map(|(t, r)| if r % 2 == 0 { t + (r >> 50) as u32 } else { 0 }).collect(),
            )),
            Advice::RelativeTo(12),
        ),
        ("+zstd(packed 3)", numbers(&|r| if r % 9 == 0 { 1 + (r >> 40) as u32 % 8 } else { 0 }), Advice::Auto),
        ("+zstd(slots+zstd)", numbers(&|r| if r % 9 == 0 { long_tailed(r >> 20, 40) } else { 0 }), Advice::Auto),
    ];
    let advice: Vec<Advice> = columns.iter().map(|(_, _, advice)| *advice).collect();
    let values: Vec<Column> = columns.iter().map(|(_, column, _)| column.clone()).collect();
    let encodings = assert_reads_back(&values, &advice);
    for ((expected, _, advice), encoding) in columns.iter().zip(&encodings) {
        let expected = if *advice == Advice::Plain { "plain" } else { *expected };
        assert!(encoding.contains(expected), "{encoding:?} where {expected:?} is due");
    }
}

#[test]
fn extreme_values_come_back() {
    let rows = 6;
    let columns = [
        Column::Flat(Values::U64(vec![0, u64::MAX, 1, u64::MAX - 1, 1 << 63, 0])),
        Column::Flat(Values::I64(vec![i64::MIN, i64::MAX, -1, 0, 1 << 62, i64::MIN + 1])),
        Column::Flat(Values::U32(vec![0, u32::MAX, 1, u32::MAX - 1, 1 << 31, 0])),
        Column::Flat(Values::F64(vec![f64::NAN, -0.0, f64::INFINITY, f64::MIN_POSITIVE, -1.5, f64::NEG_INFINITY])),
        Column::Flat(Values::F32(vec![f32::from_bits(0x7FC0_0001), f32::NAN, -0.0, 0.0, 1.0, f32::MAX])),
        Column::List { offsets: vec![0; rows + 1], values: Values::Id(Vec::new()) },
        Column::List { offsets: vec![0, 0, 3, 3, 3, 4, 4], values: Values::U16(vec![9, 65_535, 0, 9]) },
    ];
    assert_reads_back(&columns, &[]);
    assert_reads_back(
        &columns.map(|column| match column {
            Column::Flat(Values::U64(_)) => Column::Flat(Values::U64(Vec::new())),
            Column::Flat(_) => Column::Flat(Values::F32(Vec::new())),
            Column::List { .. } => Column::List { offsets: vec![0], values: Values::U8(Vec::new()) },
        }),
        &[],
    );
}

/// Bytes are encoded as their distance from the smallest, but DELTA is of the values themselves.
#[test]
fn deltas_of_bytes_that_do_not_begin_at_zero_come_back() {
    let ramp = |least: u64| (0..5000).map(move |row| least + row / 25);
    let columns = [
        Column::Flat(Values::U8(ramp(50).map(|value| value as u8).collect())),
        Column::Flat(Values::U16(ramp(50).map(|value| value as u16).collect())),
        Column::Flat(Values::I64(ramp(50).map(|value| value as i64 - 90).collect())),
    ];
    for encoding in assert_reads_back(&columns, &[]) {
        assert!(encoding.starts_with("delta("), "{encoding}");
    }
}

fn column_of(rows: usize) -> impl Strategy<Value = Column> {
    let shape = (0..9u8, any::<u64>(), 0..64u32, prop::bool::ANY, 1..2000u64);
    shape.prop_map(move |(kind, seed, width, list, distinct)| {
        let lengths: Vec<u32> = noise(seed ^ 1).map(|r| (r % 4) as u32).take(rows).collect();
        let offsets: Vec<u32> = std::iter::once(0)
            .chain(lengths.iter().scan(0, |end, length| {
                Some({
                    *end += length;
                    *end
                })
            }))
            .collect();
        let count = if list { offsets[rows] as usize } else { rows };
        // Random numbers of some width, out of a choice of some size, or rising.
        let numbers: Vec<u64> = noise(seed)
            .take(count)
            .scan(0u64, |sum, random| {
                let number = noise(random % distinct).next().unwrap() >> width;
                *sum = sum.wrapping_add(number);
                Some(if seed.is_multiple_of(5) { *sum } else { number })
            })
            .collect();
        let values = match kind {
            0 => Values::Bool(numbers.iter().map(|n| n & 1 == 1).collect()),
            1 => Values::U8(numbers.iter().map(|&n| n as u8).collect()),
            2 => Values::U16(numbers.iter().map(|&n| n as u16).collect()),
            3 => Values::U32(numbers.iter().map(|&n| n as u32).collect()),
            4 => Values::U64(numbers),
            // Of both signs.
            8 => Values::I64(numbers.iter().map(|&n| n as i64 - (1 << 40 >> (width & 31))).collect()),
            5 => Values::F32(numbers.iter().map(|&n| f32::from_bits(n as u32)).collect()),
            6 => Values::F64(numbers.iter().map(|&n| f64::from_bits(n)).collect()),
            _ => Values::Id(numbers.into_iter().map(id).collect()),
        };
        if list { Column::List { offsets, values } } else { Column::Flat(values) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_columns_come_back(
        columns in (0..3000usize).prop_flat_map(|rows| prop::collection::vec(column_of(rows), 1..6)),
        plain in prop::bool::ANY,
    ) {
        let advice = if plain { vec![Advice::Plain; columns.len()] } else { Vec::new() };
        assert_reads_back(&columns, &advice);
    }

    #[test]
    fn any_keyed_and_relative_columns_come_back(rows in 1..2000usize, users in 1..500u64, stable in 1..200u64,
                                                 seed in any::<u64>(), spread in 1..40u32) {
        let random: Vec<u64> = noise(seed).take(rows).collect();
        let user: Vec<u64> = random.iter().map(|r| r % users).collect();
        // A profile that changes now and then, and a list that depends on the user too.
        let changed = |r: u64| u64::from(r >> 20 & 0xFFF > 20 * stable);
        let profile: Vec<u32> = user.iter().zip(&random).map(|(u, &r)| (u * 999 + changed(r)) as u32).collect();
        let lists: Vec<Vec<u64>> = user.iter().map(|&u| vec![u; (u % 5) as usize]).collect();
        let lists: Lists<u64> = lists.iter().map(Vec::as_slice).collect();
        let time: Vec<u64> = random.iter().map(|r| r >> 30).collect();
        let after = |t: u64, r: u64| if r.is_multiple_of(3) { 0 } else { t.wrapping_add(r >> spread) };
        let reaction: Vec<u64> = time.iter().zip(&random).map(|(&t, &r)| after(t, r)).collect();
        let columns = [
            Column::Flat(Values::U32(profile)),
            Column::Flat(Values::Id(user.iter().map(|&u| id(u)).collect())),
            Column::List { offsets: lists.offsets().to_vec(), values: Values::U64(lists.values().to_vec()) },
            Column::Flat(Values::U64(time.clone())),
            Column::Flat(Values::U64(reaction.clone())),
            Column::Flat(Values::I64(time.iter().map(|&t| t as i64 - (1 << 33)).collect())),
            Column::Flat(Values::I64(
                reaction.iter().map(|&r| if r == 0 { i64::MIN } else { r as i64 - (1 << 33) }).collect(),
            )),
        ];
        let advice = [Advice::KeyedBy(1), Advice::Auto, Advice::KeyedBy(1), Advice::KeyedBy(1), Advice::RelativeTo(3),
                      Advice::KeyedBy(1), Advice::RelativeTo(5)];
        assert_reads_back(&columns, &advice);
    }
}

#[test]
fn plain_columns_can_be_viewed() {
    let values: Vec<u32> = (0..1000).collect();
    let ids: Vec<Id> = (0..1000).map(id).collect();
    let schema = Schema::new(
        "test",
        vec![Field::flat("n", ValueType::U32), Field::flat("id", ValueType::Id), Field::flat("m", ValueType::U32)],
    );
    let columns = [ColumnRef::flat(&values), ColumnRef::flat(&ids), ColumnRef::flat(&values)];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.skim");
    let advice = [Advice::Plain, Advice::Plain];
    write(&path, &schema, (0..3).map(|_| encode_block_advised(&schema, &columns, &advice).unwrap()));
    let reader = Reader::open(&path).unwrap();
    assert_eq!((reader.rows(), reader.block_rows(1), reader.block_rows(9)), (3000, 1000..2000, 3000..3000));
    for block in 0..3 {
        let view = reader.view::<u32>(block, 0).unwrap();
        assert_eq!((view, view.as_ptr() as usize % 64), (&values[..], 0));
        assert_eq!(reader.view::<Id>(block, 1).unwrap(), ids);
        assert!(reader.view::<f32>(block, 0).is_none(), "another type");
        assert!(reader.view::<u32>(block, 2).is_none(), "not plain");
    }
    assert!(reader.view::<u32>(3, 0).is_none());
    assert_eq!(reader.chunk_info(0, 0).unwrap().range, Some((Scalar::Unsigned(0), Scalar::Unsigned(999))));
}

#[test]
fn wrong_use_is_named() {
    let schema = Schema::new("test", vec![Field::flat("n", ValueType::U32), Field::list("l", ValueType::Id)]);
    let ids = Lists::<Id>::from_parts(vec![0, 0], Vec::new()).unwrap();
    let good = [ColumnRef::flat(&[1u32]), ColumnRef::lists(&ids)];
    let refused = |columns: &[ColumnRef<'_>]| encode_block(&schema, columns).unwrap_err().to_string();
    assert!(refused(&good[..1]).contains("1 columns for a schema of 2 fields"));
    assert!(refused(&[ColumnRef::flat(&[1u64]), good[1]]).contains("\"n\" is given as u64 but holds u32"));
    assert!(refused(&[ColumnRef::flat(&[1u32, 2]), good[1]]).contains("\"l\" has 1 rows"));
    let broken = ColumnRef::List { offsets: &[0, 2], values: good[1].values() };
    assert!(refused(&[good[0], broken]).contains("offsets"));
    let advice = [Advice::KeyedBy(1)];
    assert!(matches!(encode_block_advised(&schema, &good, &advice), Err(ColumnarError::Shape(_))));
    assert!(Writer::new(Vec::new(), &Schema::new("test", Vec::new())).is_err());
    assert!(
        Writer::new(Vec::new(), &Schema::new("x", vec![schema.fields[0].clone(), schema.fields[0].clone()])).is_err()
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.skim");
    write(&path, &schema, [encode_block(&schema, &good).unwrap()]);
    let reader = Reader::open(&path).unwrap();
    let message = reader.expect_kind("part").unwrap_err().to_string();
    assert!(message.contains("test.skim") && message.contains("kind \"test\" where one of kind \"part\""), "{message}");
    let message = reader.field("m").unwrap_err().to_string();
    assert!(message.contains("no column \"m\"; it has n, l"), "{message}");
    let message = reader.flat::<u64>(0, 0).unwrap_err().to_string();
    assert!(message.contains("column \"n\" holds u32, not u64"), "{message}");
    let message = reader.lists::<u32>(0, 1).unwrap_err().to_string();
    assert!(message.contains("column \"l\" holds list of id, not list of u32"), "{message}");
    assert!(matches!(reader.read(1, 0), Err(ColumnarError::NoChunk { .. })));
    let other = encode_block(&Schema::new("test", vec![schema.fields[0].clone()]), &good[..1]).unwrap();
    assert!(Writer::new(Vec::new(), &schema).unwrap().append(other).is_err());
}
