//! A checksum in the metadata of the safetensors files that this program writes.
//!
//! The format has none, so that a flipped bit would be another weight. `__metadata__.xxh3` holds the XXH3-64 of the
//! file, 16 hexadecimal digits, computed with zeros instead of these digits. Files without it, such as those of other
//! programs and older versions, are still read.

use std::collections::{BTreeMap, HashMap};
use std::io;

use safetensors::tensor::{Metadata, SafeTensors, TensorInfo};
use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

const KEY: &str = "xxh3";
const DIGITS: &str = "0000000000000000";

/// The header's JSON, always in the same order: equal tensors make equal files.
#[derive(Serialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: BTreeMap<String, TensorInfo>,
}

/// What a file with these tensors, one behind the other, begins with: everything but the tensors' bytes, which
/// `sum_up` gives to the checksum.
pub fn header(
    tensors: Vec<(String, TensorInfo)>,
    mut metadata: HashMap<String, String>,
    sum_up: impl FnOnce(&mut Xxh3),
) -> io::Result<Vec<u8>> {
    metadata.insert(KEY.to_owned(), DIGITS.to_owned());
    let ordered =
        Header { metadata: metadata.clone().into_iter().collect(), tensors: tensors.iter().cloned().collect() };
    let mut json = serde_json::to_vec(&ordered)?;
    // Made to be checked alone: it would write the metadata in any order.
    Metadata::new(Some(metadata), tensors).map_err(io::Error::other)?;
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut header = [&(json.len() as u64).to_le_bytes(), json.as_slice()].concat();
    let mut hasher = Xxh3::new();
    hasher.update(&header);
    sum_up(&mut hasher);
    let digits = format!("{:016x}", hasher.digest());
    let position = position_of(&header, DIGITS).ok_or_else(|| io::Error::other("the header lacks its checksum"))?;
    header[position..position + DIGITS.len()].copy_from_slice(digits.as_bytes());
    Ok(header)
}

/// Whether a safetensors file is as it was written, as far as it carries a checksum.
pub fn is_intact(file: &[u8]) -> bool {
    let Ok((length, metadata)) = SafeTensors::read_metadata(file) else { return false };
    let Some(digits) = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY)) else { return true };
    let (header, data) = file.split_at(8 + length);
    let Some(position) = position_of(header, digits).filter(|_| digits.len() == DIGITS.len()) else { return false };
    let mut zeroed = header.to_vec();
    zeroed[position..position + DIGITS.len()].copy_from_slice(DIGITS.as_bytes());
    let mut hasher = Xxh3::new();
    hasher.update(&zeroed);
    hasher.update(data);
    format!("{:016x}", hasher.digest()) == *digits
}

/// Where the checksum's digits stand in a header.
fn position_of(header: &[u8], digits: &str) -> Option<usize> {
    let before = format!("\"{KEY}\":\"");
    let text = format!("{before}{digits}\"");
    let found = header.windows(text.len()).position(|window| window == text.as_bytes())?;
    Some(found + before.len())
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;

    use super::*;

    fn file() -> Vec<u8> {
        let info = TensorInfo { dtype: Dtype::U8, shape: vec![3], data_offsets: (0, 3) };
        let other = [("format".to_owned(), "pt".to_owned())].into();
        let header = header(vec![("a".to_owned(), info)], other, |hasher| hasher.update(b"xyz")).unwrap();
        [header, b"xyz".to_vec()].concat()
    }

    #[test]
    fn any_flipped_bit_is_found() {
        let whole = file();
        assert!(is_intact(&whole));
        let data = |file: &[u8]| SafeTensors::deserialize(file).ok()?.tensor("a").ok().map(|view| view.data().to_vec());
        for bit in 0..8 * whole.len() {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // In the key of the checksum a flip makes a file without one, whose tensors are still those that were
            // written.
            assert!(!is_intact(&flipped) || data(&flipped) == Some(b"xyz".to_vec()), "bit {bit}");
        }
    }

    #[test]
    fn equal_tensors_make_equal_files() {
        assert!((0..20).all(|_| file() == file()));
    }

    #[test]
    fn a_file_without_a_checksum_is_read() {
        let tensors = [("a", safetensors::tensor::TensorView::new(Dtype::U8, vec![3], b"xyz").unwrap())];
        assert!(is_intact(&safetensors::serialize(tensors, None).unwrap()));
        assert!(!is_intact(b"") && !is_intact(&[0xFF; 40]));
    }
}
