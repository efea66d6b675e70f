//! The golden numbers of `fixtures/golden`, read for this module's tests.

use std::{collections::HashMap, fs, path::Path};

#[cfg(feature = "coder")]
use ndarray::Array2;

#[cfg(feature = "coder")]
use super::Projection;
use super::SketchShape;

pub(super) fn shape() -> SketchShape {
    SketchShape::new(20, 256).unwrap()
}

pub(super) fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[cfg(feature = "coder")]
/// A TAB-separated table of numbers in `emde/`.
pub(super) fn table(name: &str) -> Vec<Vec<f64>> {
    let numbers = |line: &str| line.split('\t').map(|field| field.parse().unwrap()).collect();
    read(&format!("emde/{name}")).lines().map(numbers).collect()
}

#[cfg(feature = "coder")]
/// One column of a table in `emde/`; a first line of words is passed over.
pub(super) fn column(name: &str, column: usize) -> Vec<f64> {
    let text = read(&format!("emde/{name}"));
    text.lines().filter_map(|line| line.split('\t').nth(column)?.parse().ok()).collect()
}

pub(super) fn tokens() -> Vec<u32> {
    read("emde/tokens.txt").lines().map(|line| line.parse().unwrap()).collect()
}

#[cfg(feature = "coder")]
/// The vectors in the precision they are stored in, by us and by the original.
pub(super) fn token_vectors() -> Array2<f32> {
    let text = read("emde/token_vectors.txt");
    let mut ids: Vec<u32> = Vec::new();
    let mut values = Vec::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(' ');
        ids.push(fields.next().unwrap().parse().unwrap());
        values.extend(fields.skip(1).map(|field| field.parse::<f32>().unwrap()));
    }
    assert_eq!(ids, tokens());
    Array2::from_shape_vec((ids.len(), 64), values).unwrap()
}

#[cfg(feature = "coder")]
pub(super) fn projection() -> Projection {
    Projection::from_entries(table("projection_320x64.tsv").concat(), shape(), 64).unwrap()
}

pub(super) fn codes_absolute() -> Vec<Vec<u32>> {
    let text = read("emde/codes_absolute.tsv");
    text.lines().map(|line| line.split('\t').map(|field| field.parse().unwrap()).collect()).collect()
}

/// Token ids of the hold-out records by the SHA-1 of their raw line.
pub(super) fn holdout_tokens() -> HashMap<String, Vec<u32>> {
    let raw = read("small/raw/validation/part-00000");
    let raw: Vec<&str> = raw.lines().collect();
    let expected = read("small/expected/validation_split_holdout.tsv");
    let mut lines = expected.lines();
    let header: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let index = |name| header.iter().position(|&column| column == name).unwrap();
    let (sha1, source) = (index("sha1"), index("src_line"));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let record = raw[fields[source].parse::<usize>().unwrap()];
            let tokens = record.split('\u{1}').next().unwrap();
            let tokens = tokens.split('\t').map(|token| token.parse().unwrap()).collect();
            (fields[sha1].to_owned(), tokens)
        })
        .collect()
}
