//! Tensors in a safetensors file.

use std::io::{self, Write};
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorInfo};
use skimlog_formats::mapped::MappedFile;
use skimlog_runtime::tensors::{header, is_intact};

use super::DistilBertError;

/// A safetensors file, mapped.
pub(crate) struct TensorFile {
    map: MappedFile,
}

impl TensorFile {
    pub(crate) fn open(path: &Path) -> Result<Self, DistilBertError> {
        let map = MappedFile::open(path).map_err(|source| DistilBertError::File { path: path.to_owned(), source })?;
        Ok(Self { map })
    }

    /// Size of the file in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.map.len()
    }

    /// The file's tensors.
    pub(crate) fn tensors(&self) -> Result<Tensors<'_>, DistilBertError> {
        let tensors = SafeTensors::deserialize(&self.map).map_err(|error| DistilBertError::Weights {
            path: self.map.path().to_owned(),
            problem: format!("not a whole safetensors file: {error}"),
        });
        let tensors = self.map.checked(tensors)?;
        let intact = is_intact(&self.map);
        self.map.intact()?;
        if !intact {
            let problem = "the checksum differs: the file is damaged, take it from its source again".to_owned();
            return Err(DistilBertError::Weights { path: self.map.path().to_owned(), problem });
        }
        Ok(Tensors { map: &self.map, tensors })
    }
}

/// The tensors of a mapped file.
pub(crate) struct Tensors<'f> {
    map: &'f MappedFile,
    tensors: SafeTensors<'f>,
}

impl Tensors<'_> {
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    /// Reads the tensor of this name and shape into `values`; half-precision numbers are widened.
    pub(crate) fn read(&self, name: &str, shape: &[usize], values: &mut [f32]) -> Result<(), DistilBertError> {
        self.map.checked(self.fill(name, shape, values))
    }

    fn fill(&self, name: &str, shape: &[usize], values: &mut [f32]) -> Result<(), DistilBertError> {
        let refuse = |problem| DistilBertError::Weights { path: self.map.path().to_owned(), problem };
        let view = self.tensors.tensor(name).map_err(|_| refuse(format!("the tensor {name} is missing")))?;
        if view.shape() != shape {
            return Err(refuse(format!("the tensor {name} has shape {:?}, config.json wants {shape:?}", view.shape())));
        }
        let bytes = view.data();
        match view.dtype() {
            Dtype::F32 => fill(values, bytes, f32::from_le_bytes),
            Dtype::F16 => fill(values, bytes, |half| f16::from_le_bytes(half).to_f32()),
            Dtype::BF16 => fill(values, bytes, |half| bf16::from_le_bytes(half).to_f32()),
            other => return Err(refuse(format!("the tensor {name} has numbers of type {other:?}, F32 is wanted"))),
        }
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(refuse(format!("the tensor {name} holds {value}"))),
            None => Ok(()),
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        self.map.path()
    }
}

fn fill<const N: usize>(values: &mut [f32], bytes: &[u8], convert: impl Fn([u8; N]) -> f32) {
    values.iter_mut().zip(bytes.as_chunks::<N>().0).for_each(|(value, &bytes)| *value = convert(bytes));
}

/// Writes f32 tensors as a safetensors file.
pub(crate) fn write_tensors<'t>(
    out: &mut impl Write,
    tensors: impl Iterator<Item = (String, Vec<usize>, &'t [f32])> + Clone,
) -> io::Result<()> {
    let mut end = 0;
    let infos = tensors.clone().map(|(name, shape, values)| {
        let start = end;
        end += size_of_val(values);
        (name, TensorInfo { dtype: Dtype::F32, shape, data_offsets: (start, end) })
    });
    // transformers reads only files that say so.
    let format = [("format".to_owned(), "pt".to_owned())].into();
    let header = header(infos.collect(), format, |hasher| {
        for (_, _, values) in tensors.clone() {
            if cfg!(target_endian = "little") {
                hasher.update(bytemuck::cast_slice(values));
            } else {
                values.iter().for_each(|value| hasher.update(&value.to_le_bytes()));
            }
        }
    })?;
    out.write_all(&header)?;
    for (_, _, values) in tensors {
        if cfg!(target_endian = "little") {
            out.write_all(bytemuck::cast_slice(values))?;
        } else {
            values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_while_it_is_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let values = [1.0f32, 2.0, 3.0];
        let tensor = || ("weight".to_owned(), vec![3], &values[..]);
        write_tensors(&mut std::fs::File::create(&path).unwrap(), std::iter::repeat_n(tensor(), 1)).unwrap();
        let file = TensorFile::open(&path).unwrap();
        let tensors = file.tensors().unwrap();
        let mut read = [0.0; 3];
        tensors.read("weight", &[3], &mut read).unwrap();
        assert_eq!(read, values);
        for left in [std::fs::metadata(&path).unwrap().len() - 1, 0] {
            std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(left).unwrap();
            let said = tensors.read("weight", &[3], &mut read).unwrap_err().to_string();
            assert!(said.contains("model.safetensors became shorter while it was read"), "{said}");
            assert!(file.tensors().is_err());
        }
    }
}
