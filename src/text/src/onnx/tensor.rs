//! Weights and constants of a graph.

use std::io::{self, Write};

use bytemuck::Pod;
use ndarray::{Array, ArrayView, CowArray, Dimension, IxDyn};

use super::protobuf::Streamed;

const _: () = assert!(cfg!(target_endian = "little"), "tensors are written as they lie in memory");

/// Values gathered at a time from a tensor that does not lie in row-major order.
const GATHERED: usize = 1 << 14;

/// What a tensor's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// 32-bit floating point.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// 8-bit unsigned integer.
    U8,
    /// 8-bit integer.
    I8,
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// True or false.
    Bool,
}

impl ElementType {
    /// The type's number in `TensorProto.DataType`, as the `to` of a `Cast` node takes it.
    pub const fn number(self) -> i64 {
        match self {
            Self::F32 => 1,
            Self::U8 => 2,
            Self::I8 => 3,
            Self::I32 => 6,
            Self::I64 => 7,
            Self::Bool => 9,
            Self::F16 => 10,
        }
    }
}

/// Values of a tensor, borrowed or owned, in any memory order: they are written in row-major order.
#[derive(Clone, Debug)]
pub enum Tensor<'w> {
    /// 32-bit floating point.
    F32(CowArray<'w, f32, IxDyn>),
    /// Half precision, as bit patterns.
    F16(CowArray<'w, u16, IxDyn>),
    /// 8-bit unsigned integers.
    U8(CowArray<'w, u8, IxDyn>),
    /// 8-bit integers.
    I8(CowArray<'w, i8, IxDyn>),
    /// 32-bit integers.
    I32(CowArray<'w, i32, IxDyn>),
    /// 64-bit integers.
    I64(CowArray<'w, i64, IxDyn>),
}

macro_rules! from_arrays {
    ($($element:ty => $kind:ident),*) => {$(
        impl<'w, D: Dimension> From<ArrayView<'w, $element, D>> for Tensor<'w> {
            fn from(values: ArrayView<'w, $element, D>) -> Self {
                Self::$kind(values.into_dyn().into())
            }
        }

        impl<D: Dimension> From<Array<$element, D>> for Tensor<'_> {
            fn from(values: Array<$element, D>) -> Self {
                Self::$kind(values.into_dyn().into())
            }
        }

        /// A tensor of rank 0.
        impl From<$element> for Tensor<'_> {
            fn from(value: $element) -> Self {
                Self::$kind(ndarray::arr0(value).into_dyn().into())
            }
        }

        /// A tensor of rank 1.
        impl<'w> From<&'w [$element]> for Tensor<'w> {
            fn from(values: &'w [$element]) -> Self {
                Self::$kind(ArrayView::from(values).into_dyn().into())
            }
        }
    )*};
}

// Bit patterns of half-precision numbers are no u16 tensor: they are wrapped by name.
from_arrays!(f32 => F32, u8 => U8, i8 => I8, i32 => I32, i64 => I64);

impl Tensor<'_> {
    /// What its elements are.
    pub fn element_type(&self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::F32,
            Self::F16(_) => ElementType::F16,
            Self::U8(_) => ElementType::U8,
            Self::I8(_) => ElementType::I8,
            Self::I32(_) => ElementType::I32,
            Self::I64(_) => ElementType::I64,
        }
    }

    /// Its size along each axis.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::F32(values) => values.shape(),
            Self::F16(values) => values.shape(),
            Self::U8(values) => values.shape(),
            Self::I8(values) => values.shape(),
            Self::I32(values) => values.shape(),
            Self::I64(values) => values.shape(),
        }
    }
}

impl Streamed for Tensor<'_> {
    fn bytes(&self) -> u64 {
        let width = match self {
            Self::U8(_) | Self::I8(_) => 1,
            Self::F16(_) => 2,
            Self::F32(_) | Self::I32(_) => 4,
            Self::I64(_) => 8,
        };
        width * self.shape().iter().map(|&size| size as u64).product::<u64>()
    }

    /// In row-major order.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::F32(values) => write(values, out),
            Self::F16(values) => write(values, out),
            Self::U8(values) => write(values, out),
            Self::I8(values) => write(values, out),
            Self::I32(values) => write(values, out),
            Self::I64(values) => write(values, out),
        }
    }
}

fn write<T: Pod>(values: &CowArray<'_, T, IxDyn>, out: &mut dyn Write) -> io::Result<()> {
    if let Some(values) = values.as_slice() {
        return out.write_all(bytemuck::cast_slice(values));
    }
    let mut gathered = Vec::with_capacity(GATHERED);
    let mut left = values.iter().copied();
    loop {
        gathered.clear();
        gathered.extend(left.by_ref().take(GATHERED));
        if gathered.is_empty() {
            return Ok(());
        }
        out.write_all(bytemuck::cast_slice(&gathered))?;
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::*;

    #[test]
    fn any_memory_order_is_written_row_by_row() {
        let values = Array2::from_shape_fn((300, 70), |(row, column)| (row * 100 + column) as i32);
        let written = |tensor: Tensor<'_>| {
            let mut out = Vec::new();
            tensor.write(&mut out).unwrap();
            assert_eq!(out.len() as u64, tensor.bytes());
            bytemuck::pod_collect_to_vec::<u8, i32>(&out)
        };
        assert_eq!(written(values.view().into()), values.as_slice().unwrap());
        let transposed = written(values.t().into());
        assert_eq!(transposed.len(), 21_000);
        assert!((0..70).all(|column| (0..300).all(|row| transposed[column * 300 + row] == values[[row, column]])));
        assert_eq!(written(values.slice(s![1..3;-1, 5..7]).into()), [205, 206, 105, 106]);
    }

    #[test]
    fn scalars_have_no_axes() {
        let tensor = Tensor::from(1.5f32);
        assert_eq!((tensor.shape(), tensor.bytes(), tensor.element_type()), (&[][..], 4, ElementType::F32));
        let tensor = Tensor::from(&[1i64, 2][..]);
        assert_eq!((tensor.shape(), tensor.bytes(), tensor.element_type()), (&[2][..], 16, ElementType::I64));
        assert_eq!(Tensor::F16(ndarray::arr1(&[0x3c00u16]).into_dyn().into()).bytes(), 2);
    }
}
