//! Token vectors as `.npy` files, which numpy reads.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use ndarray_npy::{ReadNpyExt, ReadableElement, ViewNpyExt, WriteNpyExt};
use skimlog_formats::mapped::MappedFile;

use crate::TextError;
use crate::npy::check_header;

/// A vector for each token that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenVectors {
    /// Token ids, ascending.
    pub tokens: Vec<u32>,
    /// How often each token was seen.
    pub counts: Vec<u64>,
    /// Their vectors, `[tokens, width]`.
    pub vectors: Array2<f32>,
}

/// The three files of token vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorPaths {
    /// `token_embeddings.npy`: f32 `[tokens, width]`.
    pub vectors: PathBuf,
    /// `token_ids.npy`: u32 `[tokens]`, ascending.
    pub tokens: PathBuf,
    /// `token_counts.npy`: u64 `[tokens]`.
    pub counts: PathBuf,
}

impl VectorPaths {
    /// The three files in this directory.
    pub fn in_directory(directory: &Path) -> Self {
        let [vectors, tokens, counts] =
            ["token_embeddings.npy", "token_ids.npy", "token_counts.npy"].map(|name| directory.join(name));
        Self { vectors, tokens, counts }
    }
}

impl TokenVectors {
    /// Writes [`TokenVectors::tokens`] in numpy's format.
    ///
    /// # Errors
    /// What the output gives.
    pub fn write_tokens(&self, out: impl Write) -> io::Result<()> {
        ArrayView1::from(&self.tokens).write_npy(out).map_err(io::Error::other)
    }

    /// Writes [`TokenVectors::counts`] in numpy's format.
    ///
    /// # Errors
    /// What the output gives.
    pub fn write_counts(&self, out: impl Write) -> io::Result<()> {
        ArrayView1::from(&self.counts).write_npy(out).map_err(io::Error::other)
    }

    /// Writes [`TokenVectors::vectors`] in numpy's format.
    ///
    /// # Errors
    /// What the output gives.
    pub fn write_vectors(&self, out: impl Write) -> io::Result<()> {
        self.vectors.write_npy(out).map_err(io::Error::other)
    }
}

/// Stored token vectors, mapped rather than read.
pub struct MappedVectors {
    tokens: Vec<u32>,
    map: MappedFile,
}

impl MappedVectors {
    /// Opens the vectors and their token ids; the counts are not needed.
    ///
    /// # Errors
    /// [`TextError::File`] and [`TextError::Vectors`] for files that cannot be read or do not belong together.
    pub fn open(paths: &VectorPaths) -> Result<Self, TextError> {
        let tokens = read_tokens(&paths.tokens)?;
        let map = MappedFile::open(&paths.vectors).map_err(TextError::file(&paths.vectors))?;
        let header = check_header(&map)
            .map_err(|what| TextError::Vectors { path: paths.vectors.clone(), problem: what.to_owned() });
        map.checked(header)?;
        let mapped = Self { tokens, map };
        let rows = mapped.map.checked(mapped.view().map(|view| view.nrows()))?;
        if rows != mapped.tokens.len() {
            let problem = format!("{rows} vectors for the {} ids of token_ids.npy", mapped.tokens.len());
            return Err(TextError::Vectors { path: paths.vectors.clone(), problem });
        }
        Ok(mapped)
    }

    /// Token ids, one a row.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The vectors, `[tokens, width]`. Results computed from them count only if [`MappedVectors::intact`] is asked
    /// afterwards.
    ///
    /// # Errors
    /// [`TextError::Vectors`] for a file that is no f32 array of rank 2.
    pub fn view(&self) -> Result<ArrayView2<'_, f32>, TextError> {
        ArrayView2::<f32>::view_npy(&self.map)
            .map_err(|error| TextError::Vectors { path: self.map.path().to_owned(), problem: error.to_string() })
    }

    /// Whether all vectors read so far were the file's.
    ///
    /// # Errors
    /// [`TextError::Lost`].
    pub fn intact(&self) -> Result<(), TextError> {
        Ok(self.map.intact()?)
    }
}

/// Token ids as u32, or as i64, which is numpy's default.
fn read_tokens(path: &Path) -> Result<Vec<u32>, TextError> {
    let bytes = fs::read(path).map_err(TextError::file(path))?;
    let problem = |problem: String| TextError::Vectors { path: path.to_owned(), problem };
    check_header(&bytes).map_err(|what| problem(what.to_owned()))?;
    match read_npy::<u32>(&bytes) {
        Ok(tokens) => Ok(tokens),
        Err(error) => {
            let wide = read_npy::<i64>(&bytes).map_err(|_| problem(error.to_string()))?;
            let narrow = |token: i64| u32::try_from(token).map_err(|_| problem(format!("{token} is no token id")));
            wide.into_iter().map(narrow).collect()
        }
    }
}

fn read_npy<T: ReadableElement>(bytes: &[u8]) -> Result<Vec<T>, ndarray_npy::ReadNpyError> {
    Array1::<T>::read_npy(bytes).map(|array| array.into_raw_vec_and_offset().0)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn sample() -> TokenVectors {
        let vectors = ndarray::array![[1.0, -2.0, 0.5], [4.0, 5.0, 6.0]];
        TokenVectors { tokens: vec![101, 119_546], counts: vec![9, 1 << 40], vectors }
    }

    fn write(vectors: &TokenVectors, paths: &VectorPaths) {
        vectors.write_tokens(File::create(&paths.tokens).unwrap()).unwrap();
        vectors.write_counts(File::create(&paths.counts).unwrap()).unwrap();
        vectors.write_vectors(File::create(&paths.vectors).unwrap()).unwrap();
    }

    #[test]
    fn what_was_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let paths = VectorPaths::in_directory(directory.path());
        write(&sample(), &paths);
        let mapped = MappedVectors::open(&paths).unwrap();
        assert_eq!(mapped.tokens(), sample().tokens);
        assert_eq!(mapped.view().unwrap(), sample().vectors);
        let counts = Array1::<u64>::read_npy(File::open(&paths.counts).unwrap()).unwrap();
        assert_eq!(counts.to_vec(), sample().counts);
    }

    #[test]
    fn files_that_do_not_fit_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let paths = VectorPaths::in_directory(directory.path());
        write(&sample(), &paths);
        Array1::from_vec(vec![5i64, 6, 7]).write_npy(File::create(&paths.tokens).unwrap()).unwrap();
        let found = MappedVectors::open(&paths).err().unwrap().to_string();
        assert!(found.contains("token_embeddings.npy") && found.contains("2 vectors for the 3 ids"), "{found}");

        let whole = fs::read(&paths.vectors).unwrap();
        fs::write(&paths.vectors, &whole[..whole.len() - 1]).unwrap();
        assert!(matches!(MappedVectors::open(&paths), Err(TextError::Vectors { .. })));
        Array1::from_vec(vec![-1i64]).write_npy(File::create(&paths.tokens).unwrap()).unwrap();
        assert!(MappedVectors::open(&paths).err().unwrap().to_string().contains("-1 is no token id"));
        fs::remove_file(&paths.tokens).unwrap();
        assert!(matches!(MappedVectors::open(&paths), Err(TextError::File { .. })));
    }

    #[test]
    fn vectors_cut_while_they_are_in_use_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let paths = VectorPaths::in_directory(directory.path());
        sample().write_tokens(File::create(&paths.tokens).unwrap()).unwrap();
        sample().write_vectors(File::create(&paths.vectors).unwrap()).unwrap();
        let mapped = MappedVectors::open(&paths).unwrap();
        mapped.intact().unwrap();
        File::options().write(true).open(&paths.vectors).unwrap().set_len(100).unwrap();
        // What is left may be no array at all.
        let _ = mapped.view().map(|view| view.sum());
        let said = mapped.intact().unwrap_err().to_string();
        assert!(said.contains("token_embeddings.npy became shorter while it was read"), "{said}");
    }
}
