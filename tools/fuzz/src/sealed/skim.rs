//! Takes `.skim` files apart, changes them, and writes them with valid checksums. Follows `formats/COLUMNAR.md`.

use skimlog_formats::columnar::ValueType;
use xxhash_rust::xxh3::xxh3_64;

use crate::mutate::Mutator;
use crate::random::Random;

const HEADER: usize = 64;
const TRAILER: usize = 28;
/// Bytes of a chunk's entry in the footer: four lengths, a checksum, whether there are statistics.
const ENTRY: usize = 25;

/// A sound file taken apart.
#[derive(Clone, Debug)]
pub struct SkimFile {
    header: Vec<u8>,
    chunks: Vec<Chunk>,
    footer: Vec<u8>,
    /// Version and magic bytes.
    end: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Chunk {
    /// Where its entry stands in the footer.
    entry: usize,
    data: Vec<u8>,
    description: Vec<u8>,
}

/// Reads the footer's numbers; only sound files are read with it.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn number(&mut self, width: usize) -> Option<usize> {
        let bytes = self.bytes.get(self.at..self.at + width)?;
        self.at += width;
        Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    fn string(&mut self) -> Option<()> {
        let length = self.number(4)?;
        self.at += length;
        (self.at <= self.bytes.len()).then_some(())
    }
}

impl SkimFile {
    /// Takes a sound file apart; `None` for another.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let trailer = bytes.len().checked_sub(TRAILER)?;
        let length = Input { bytes, at: trailer }.number(8)?;
        let footer = bytes.get(trailer.checked_sub(length)?..trailer)?.to_vec();
        let mut input = Input { bytes: &footer, at: 0 };
        input.string()?;
        let mut widths = Vec::new();
        for _ in 0..input.number(2)? {
            input.string()?;
            widths.push(ValueType::ALL.get(input.number(1)?)?.width());
            input.number(1)?;
        }
        for _ in 0..input.number(2)? {
            input.string()?;
            input.string()?;
        }
        let (mut chunks, mut offset) = (Vec::new(), HEADER);
        for _ in 0..input.number(4)? {
            input.number(4)?;
            for width in &widths {
                let entry = input.at;
                let [length, data, description] = [input.number(4)?, input.number(4)?, input.number(4)?];
                input.at = entry + ENTRY - 1;
                input.at += 1 + if input.bytes.get(input.at) == Some(&1) { 2 * width } else { 0 };
                let (data, rest) = bytes.get(offset..offset + length)?.split_at_checked(data)?;
                let description = rest.get(..description)?;
                chunks.push(Chunk { entry, data: data.to_vec(), description: description.to_vec() });
                offset += length;
            }
        }
        let (header, end) = (bytes.get(..HEADER)?.to_vec(), bytes[trailer + 16..].to_vec());
        Some(Self { header, chunks, footer, end })
    }

    /// Changes a chunk's data or description, the footer, or which chunk stands where, and makes all checksums right.
    pub fn mutant(mut self, mutator: &Mutator<'_>, random: &mut Random) -> Vec<u8> {
        for _ in 0..random.length(3) {
            let (one, other) = (random.below(self.chunks.len()), random.below(self.chunks.len()));
            let kind = random.below(8);
            match self.chunks.get_mut(one) {
                Some(chunk) if kind < 4 => mutator.change(&mut chunk.description, random),
                Some(chunk) if kind < 6 => mutator.change(&mut chunk.data, random),
                Some(_) if kind == 6 => {
                    let other = self.chunks[other].clone();
                    (self.chunks[one].data, self.chunks[one].description) = (other.data, other.description);
                }
                _ => {}
            }
        }
        let blocks = self.settle();
        // The footer comes last: a change of its length moves the entries.
        if self.chunks.is_empty() || random.once_in(3) {
            mutator.change(&mut self.footer, random);
        }
        [&self.header, &blocks, &self.footer, &self.trailer()].into_iter().flatten().copied().collect()
    }

    /// Writes the chunks' lengths and checksums into the footer and gives their bytes.
    fn settle(&mut self) -> Vec<u8> {
        let mut blocks = Vec::new();
        for Chunk { entry, data, description } in &self.chunks {
            let start = blocks.len();
            blocks.extend_from_slice(data);
            blocks.extend_from_slice(description);
            blocks.resize(start + (blocks.len() - start).next_multiple_of(64), 0);
            let lengths = [blocks.len() - start, data.len(), description.len()];
            for (place, length) in self.footer[*entry..].chunks_exact_mut(4).zip(lengths) {
                place.copy_from_slice(&(length as u32).to_le_bytes());
            }
            super::put(&mut self.footer, entry + 16, xxh3_64(&blocks[start..]));
        }
        blocks
    }

    fn trailer(&self) -> Vec<u8> {
        let (length, checksum) = (self.footer.len() as u64, xxh3_64(&self.footer));
        [&length.to_le_bytes(), &checksum.to_le_bytes(), self.end.as_slice()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_as_it_was() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/types-v1.skim");
        let bytes = std::fs::read(path).unwrap();
        let mut file = SkimFile::parse(&bytes).unwrap();
        assert!(!file.chunks.is_empty());
        let blocks = file.settle();
        assert!([&file.header, &blocks, &file.footer, &file.trailer()].into_iter().flatten().eq(&bytes));
    }
}
