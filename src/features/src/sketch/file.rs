//! `codes.skim`: token codes as a file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use skimlog_formats::Lists;
use skimlog_formats::columnar::{ColumnRef, ColumnarError, Field, Reader, Schema, ValueType, Writer, encode_block};
use skimlog_runtime::files::{FileError, write_file};
use thiserror::Error;

use super::{SketchError, SketchShape, TokenCodes};

/// The kind of file.
const KIND: &str = "codes";
/// Where the metadata say what the codes were made from, if not from token vectors.
const SOURCE: &str = "source";
/// The value there of codes that are hashes of the token ids.
const HASH: &str = "hash";

/// Why token codes could not be written or read.
#[derive(Debug, Error)]
pub enum CodesFileError {
    /// The container could not be written or read.
    #[error(transparent)]
    Columnar(#[from] ColumnarError),
    /// The metadata lack a number.
    #[error("{}: its metadata hold no number {key:?}; run the sketch stage again", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
    },
    /// The content is no table of token codes.
    #[error("{}: {source}; run the sketch stage again", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SketchError,
    },
}

impl TokenCodes {
    /// Writes the codes as a `.skim` file of kind `codes`: columns `token` (u32, ascending) and `codes` (lists of
    /// `depth` u16), metadata `depth`, `width` and `seed`, and `source`: `hash` if the codes are hashes of the token
    /// ids. Gives the output back.
    ///
    /// # Errors
    /// [`ColumnarError::Write`] where the output takes no more.
    pub fn write<W: Write>(&self, out: W) -> Result<W, ColumnarError> {
        let fields = vec![Field::flat("token", ValueType::U32), Field::list("codes", ValueType::U16)];
        let mut schema = Schema::new(KIND, fields);
        let (depth, width, seed) = (self.shape().depth(), self.shape().width(), self.seed());
        for (key, value) in [("depth", depth as u64), ("width", width as u64), ("seed", seed)] {
            schema.metadata.insert(key.to_owned(), value.to_string());
        }
        if self.is_hashed() {
            schema.metadata.insert(SOURCE.to_owned(), HASH.to_owned());
        }
        let tokens: Vec<u32> = self.tokens().collect();
        let codes: Lists<u16> = tokens.iter().filter_map(|&token| self.codes(token)).collect();
        let mut writer = Writer::new(out, &schema)?;
        writer.append(encode_block(&schema, &[ColumnRef::flat(&tokens), ColumnRef::lists(&codes)])?)?;
        writer.finish()
    }

    /// Writes the codes to the file at `path`, which appears when it is whole.
    ///
    /// # Errors
    /// [`FileError::Io`]; nothing changes under the name then.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        write_file(path, |out| match self.write(out) {
            Ok(_) => Ok(()),
            Err(ColumnarError::Write(source)) => Err(source),
            Err(error) => Err(io::Error::other(error)),
        })
    }

    /// Reads what [`TokenCodes::write`] wrote.
    ///
    /// # Errors
    /// [`CodesFileError`] for a file that cannot be read, is damaged or holds something else.
    pub fn read(path: &Path) -> Result<Self, CodesFileError> {
        let file = Reader::open(path)?;
        file.expect_kind(KIND)?;
        let metadata = |key: &'static str| {
            let value = file.schema().metadata.get(key).and_then(|value| value.parse::<u64>().ok());
            value.ok_or_else(|| CodesFileError::Metadata { path: path.to_owned(), key })
        };
        let content = |source| CodesFileError::Content { path: path.to_owned(), source };
        let shape = SketchShape::new(metadata("depth")? as usize, metadata("width")? as usize).map_err(content)?;
        let (token, codes) = (file.field("token")?, file.field("codes")?);
        let (mut tokens, mut all_codes) = (Vec::new(), Vec::new());
        for block in 0..file.blocks() {
            tokens.extend(file.flat::<u32>(block, token)?);
            let codes = file.lists::<u16>(block, codes)?;
            if let Some(list) = codes.iter().find(|list| list.len() != shape.depth()) {
                return Err(content(SketchError::Depth { codes: list.len(), depth: shape.depth() }));
            }
            all_codes.extend_from_slice(codes.values());
        }
        let hashed = file.schema().metadata.get(SOURCE).is_some_and(|source| source == HASH);
        let codes = Self::new(shape, metadata("seed")?, &tokens, &all_codes).map_err(content)?;
        Ok(codes.marked_hashed(hashed))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn sample() -> TokenCodes {
        let shape = SketchShape::new(3, 256).unwrap();
        TokenCodes::new(shape, u64::MAX, &[119_546, 5, 101], &[1, 2, 3, 4, 5, 6, 255, 0, 9]).unwrap()
    }

    #[test]
    fn what_was_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("codes.skim");
        fs::write(&path, sample().write(Vec::new()).unwrap()).unwrap();
        assert_eq!(TokenCodes::read(&path).unwrap(), sample());
        let none = TokenCodes::new(SketchShape::new(2, 9).unwrap(), 0, &[], &[]).unwrap();
        fs::write(&path, none.write(Vec::new()).unwrap()).unwrap();
        assert_eq!(TokenCodes::read(&path).unwrap(), none);
        let hashed = TokenCodes::hashed(SketchShape::new(2, 9).unwrap(), 5, 300).unwrap();
        fs::write(&path, hashed.write(Vec::new()).unwrap()).unwrap();
        let read = TokenCodes::read(&path).unwrap();
        assert!(read == hashed && read.is_hashed());
    }

    #[test]
    fn files_of_another_content_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("codes.skim");
        let refuse = |schema: &Schema, tokens: &[u32], codes: &Lists<u16>| {
            let mut writer = Writer::new(Vec::new(), schema).unwrap();
            let block = encode_block(schema, &[ColumnRef::flat(tokens), ColumnRef::lists(codes)]).unwrap();
            writer.append(block).unwrap();
            fs::write(&path, writer.finish().unwrap()).unwrap();
            let found = TokenCodes::read(&path).unwrap_err();
            assert!(found.to_string().contains("codes.skim"), "{found}");
            found
        };
        let fields = vec![Field::flat("token", ValueType::U32), Field::list("codes", ValueType::U16)];
        let mut schema = Schema::new("codes", fields.clone());
        let pair = [&[1u16, 2][..]].into_iter().collect();
        assert!(matches!(refuse(&schema, &[7], &pair), CodesFileError::Metadata { key: "depth", .. }));
        for (key, value) in [("depth", "3"), ("width", "8"), ("seed", "0")] {
            schema.metadata.insert(key.to_owned(), value.to_owned());
        }
        let short = refuse(&schema, &[7], &pair);
        assert!(matches!(short, CodesFileError::Content { source: SketchError::Depth { codes: 2, depth: 3 }, .. }));
        let large = refuse(&schema, &[7], &[&[1u16, 2, 8][..]].into_iter().collect());
        assert!(matches!(large, CodesFileError::Content { source: SketchError::Code { code: 8, .. }, .. }));
        let other = refuse(&Schema::new("part", fields), &[7], &pair);
        assert!(matches!(other, CodesFileError::Columnar(ColumnarError::Kind { .. })));
    }

    #[test]
    fn damage_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("codes.skim");
        let whole = sample().write(Vec::new()).unwrap();
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(TokenCodes::read(&path).is_err(), "cut at {end}");
        }
    }
}
