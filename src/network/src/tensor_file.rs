//! Tensors in a safetensors file.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo};
use skimlog_formats::mapped::MappedFile;
use skimlog_runtime::files::write_file;
use skimlog_runtime::tensors::{header, is_intact};

use super::error::NetError;
use super::parameters::TensorLayout;
use super::tiles::Row;

/// A tensor to be written.
pub(super) struct TensorSource<'a> {
    name: String,
    content: Content<'a>,
}

enum Content<'a> {
    Rows(&'a TensorLayout, &'a [Row]),
    Number(u64),
}

impl<'a> TensorSource<'a> {
    /// A tensor in a buffer of tiles.
    pub(super) fn rows(name: String, layout: &'a TensorLayout, buffer: &'a [Row]) -> Self {
        Self { name, content: Content::Rows(layout, buffer) }
    }

    /// A single whole number.
    pub(super) fn number(name: &str, value: u64) -> Self {
        Self { name: name.to_owned(), content: Content::Number(value) }
    }

    fn info(&self, start: usize) -> TensorInfo {
        let (dtype, shape, bytes) = match self.content {
            Content::Rows(layout, _) => (Dtype::F32, layout.shape(), 4 * layout.len()),
            Content::Number(_) => (Dtype::U64, vec![1], 8),
        };
        TensorInfo { dtype, shape, data_offsets: (start, start + bytes) }
    }

    /// One tensor at a time is turned into bytes, so that a file costs little memory to write.
    fn bytes(&self) -> Vec<u8> {
        match self.content {
            Content::Rows(layout, buffer) => layout.read(buffer).into_iter().flat_map(f32::to_le_bytes).collect(),
            Content::Number(value) => value.to_le_bytes().to_vec(),
        }
    }
}

/// Writes the tensors to a file that appears when it is whole.
pub(super) fn write_tensors(path: &Path, tensors: &[TensorSource<'_>]) -> Result<(), NetError> {
    Ok(write_file(path, |out| write(out, tensors))?)
}

fn write(out: &mut impl Write, tensors: &[TensorSource<'_>]) -> std::io::Result<()> {
    let mut end = 0;
    let infos = tensors.iter().map(|tensor| {
        let info = tensor.info(end);
        end = info.data_offsets.1;
        (tensor.name.clone(), info)
    });
    let header = header(infos.collect(), HashMap::new(), |hasher| {
        tensors.iter().for_each(|tensor| hasher.update(&tensor.bytes()));
    })?;
    out.write_all(&header)?;
    tensors.iter().try_for_each(|tensor| out.write_all(&tensor.bytes()))
}

/// A safetensors file, mapped.
pub(super) struct TensorFile {
    map: MappedFile,
    metadata: Metadata,
    /// Byte at which the tensors begin.
    start: usize,
}

impl TensorFile {
    /// Maps a file and checks that it is whole.
    pub(super) fn open(path: &Path) -> Result<Self, NetError> {
        let map = MappedFile::open(path).map_err(|source| NetError::File { path: path.to_owned(), source })?;
        let (header, metadata) = map.checked(read_whole(&map))?;
        Ok(Self { map, metadata, start: size_of::<u64>() + header })
    }

    fn bytes(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&[u8], NetError> {
        let info = self
            .metadata
            .info(name)
            .ok_or_else(|| NetError::MissingTensor { path: self.map.path().to_owned(), tensor: name.to_owned() })?;
        if info.dtype != dtype || info.shape != shape {
            return Err(NetError::WrongShape {
                path: self.map.path().to_owned(),
                tensor: name.to_owned(),
                found: format!("{:?} {:?}", info.dtype, info.shape),
                expected: format!("{dtype:?} {shape:?}"),
            });
        }
        // The format's reader found every tensor within the file.
        let (start, end) = info.data_offsets;
        Ok(&self.map[self.start + start..self.start + end])
    }

    /// Refuses a file that lacks a tensor, or has it in another shape: before there is memory for any.
    pub(super) fn expect(&self, name: &str, layout: &TensorLayout) -> Result<(), NetError> {
        self.bytes(name, Dtype::F32, &layout.shape()).map(drop)
    }

    /// Reads a tensor into a buffer of tiles.
    pub(super) fn read(&self, name: &str, layout: &TensorLayout, buffer: &mut [Row]) -> Result<(), NetError> {
        let read = self.bytes(name, Dtype::F32, &layout.shape()).map(|bytes| {
            layout.write(buffer, bytes.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)));
        });
        self.map.checked(read)
    }

    /// Reads a single whole number.
    pub(super) fn number(&self, name: &str) -> Result<u64, NetError> {
        let read = self.bytes(name, Dtype::U64, &[1]).map(|bytes| u64::from_le_bytes(bytes.as_chunks().0[0]));
        self.map.checked(read)
    }
}

/// Reads a file's header and its checksum: the header's length, and what it says.
fn read_whole(map: &MappedFile) -> Result<(usize, Metadata), NetError> {
    let path = || map.path().to_owned();
    let header = SafeTensors::read_metadata(map).map_err(|source| NetError::Format { path: path(), source })?;
    if is_intact(map) { Ok(header) } else { Err(NetError::Checksum { path: path() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_while_it_is_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        write_tensors(&path, &[TensorSource::number("steps", 7)]).unwrap();
        let file = TensorFile::open(&path).unwrap();
        assert_eq!(file.number("steps").unwrap(), 7);
        for left in [std::fs::metadata(&path).unwrap().len() - 8, 0] {
            std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(left).unwrap();
            let said = file.number("steps").unwrap_err().to_string();
            assert!(said.contains("model.safetensors became shorter while it was read"), "{said}");
        }
    }
}
