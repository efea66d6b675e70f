//! Rows as numpy's arrays, a file each.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use skimlog_features::input::{FLAGS, Flag, Languages, NUMBERS, number_names};
use skimlog_formats::{Id, Reaction};
use skimlog_runtime::files::AtomicFolder;

use super::rows::{LABELS, Rows};
use super::{AssembleError, Content};

/// Bytes of the header: enough for any number of rows, and a multiple of 64.
const HEADER: usize = 128;

/// An array being written; its first dimension grows.
struct Array {
    path: PathBuf,
    file: BufWriter<File>,
    /// numpy's name of the type.
    kind: &'static str,
    /// The second dimension, if there is one.
    width: Option<usize>,
}

impl Array {
    fn create(path: PathBuf, kind: &'static str, width: Option<usize>) -> Result<Self, AssembleError> {
        let create = || {
            let mut file = BufWriter::new(File::create(&path)?);
            file.write_all(&[0; HEADER])?;
            Ok(file)
        };
        match create() {
            Ok(file) => Ok(Self { path, file, kind, width }),
            Err(source) => Err(AssembleError::Write { path, source }),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), AssembleError> {
        let written = self.file.write_all(bytes);
        written.map_err(|source| AssembleError::Write { path: self.path.clone(), source })
    }

    fn finish(mut self, rows: u64) -> Result<(), AssembleError> {
        let shape = self.width.map_or_else(|| format!("({rows},)"), |width| format!("({rows}, {width})"));
        let text = format!("{{'descr': '{}', 'fortran_order': False, 'shape': {shape}, }}", self.kind);
        // Magic, version 1.0, the length of what follows; the text is padded and ends with a line feed.
        let mut header = b"\x93NUMPY\x01\x00".to_vec();
        header.extend_from_slice(&((HEADER - 10) as u16).to_le_bytes());
        header.extend_from_slice(text.as_bytes());
        header.resize(HEADER - 1, b' ');
        header.push(b'\n');
        let mut end = || -> io::Result<()> {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&header)?;
            self.file.flush()
        };
        end().map_err(|source| AssembleError::Write { path: self.path.clone(), source })
    }
}

/// A folder of arrays being written.
pub(super) struct NpyFolder {
    folder: AtomicFolder,
    /// In the order of [`NpyFolder::write`].
    arrays: Vec<Array>,
    rows: u64,
}

impl NpyFolder {
    /// An array for each kind of value, and `columns.json` about them.
    pub(super) fn create(
        path: &Path,
        content: &Content,
        labelled: bool,
        languages: &Languages,
    ) -> Result<Self, AssembleError> {
        let folder = AtomicFolder::create(path)?;
        let features = matches!(content, Content::Features { .. });
        let mut arrays = vec![("tweet_id", "|S32", None), ("reader_id", "|S32", None)];
        let mut columns = serde_json::Map::new();
        if labelled {
            arrays.push(("labels", "|b1", Some(LABELS)));
            columns.insert("labels".into(), Reaction::NETWORK_ORDER.map(Reaction::name).to_vec().into());
        }
        if features {
            arrays.extend([("numbers", "<f8", Some(NUMBERS)), ("flags", "|b1", Some(FLAGS))]);
            columns.insert("numbers".into(), number_names().collect::<Vec<_>>().into());
            columns.insert("flags".into(), Flag::ALL.map(Flag::name).to_vec().into());
        }
        arrays.extend([("language", "<i8", None), ("hour", "<i8", None), ("day", "<i8", None)]);
        if let Some(width) = content.matrix_width() {
            arrays.push((content.matrix_name(), "<f4", Some(width)));
        }
        columns.extend(content.metadata(languages).into_iter().map(|(key, value)| (key.to_owned(), value)));
        let about = folder.temporary().join("columns.json");
        let text = serde_json::to_vec_pretty(&columns).map_err(io::Error::from);
        text.and_then(|text| std::fs::write(&about, text))
            .map_err(|source| AssembleError::Write { path: about, source })?;
        let create = |(name, kind, width): (&str, _, _)| {
            Array::create(folder.temporary().join(format!("{name}.npy")), kind, width)
        };
        let arrays = arrays.into_iter().map(create).collect::<Result<_, _>>()?;
        Ok(Self { folder, arrays, rows: 0 })
    }

    /// Appends rows.
    pub(super) fn write(&mut self, rows: &Rows) -> Result<(), AssembleError> {
        let hex = |ids: &[Id]| ids.iter().flat_map(|id| id.to_hex()).collect::<Vec<u8>>();
        let bytes = |values: &[bool]| values.iter().map(|&value| value.into()).collect::<Vec<u8>>();
        let mut arrays = self.arrays.iter_mut();
        let mut put = |bytes: &[u8]| arrays.next().map_or(Ok(()), |array| array.write(bytes));
        put(&hex(&rows.tweets))?;
        put(&hex(&rows.readers))?;
        if !rows.labels.is_empty() {
            put(&bytes(&rows.labels))?;
        }
        if !rows.numbers.is_empty() {
            put(bytemuck::cast_slice(&rows.numbers))?;
            put(&bytes(&rows.flags))?;
        }
        for ids in [&rows.language, &rows.hour, &rows.day] {
            put(bytemuck::cast_slice(ids))?;
        }
        put(bytemuck::cast_slice(&rows.matrix))?;
        self.rows += rows.tweets.len() as u64;
        Ok(())
    }

    /// Ends all arrays and gives the folder its name.
    pub(super) fn finish(self) -> Result<(), AssembleError> {
        let rows = self.rows;
        self.arrays.into_iter().try_for_each(|array| array.finish(rows))?;
        Ok(self.folder.commit()?)
    }
}
