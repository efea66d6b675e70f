//! From token vectors to codes: standardise, project, threshold at the median, pack.

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::median::median;
use super::projection::Projection;
use super::scaler::Scaler;
use crate::sketch::{BITS, SketchError, SketchShape};

/// Tokens projected at a time.
const BLOCK: usize = 512;
/// Projected numbers held at a time (of all tokens, a few depths): 128 MiB.
const PROJECTED: usize = 16 << 20;

/// The codes of all tokens and what they were made with.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// Codes `[tokens, depth]`, row after row, each below the sketch width.
    pub codes: Vec<u16>,
    /// The standardisation.
    pub scaler: Scaler,
    /// Median of each projected dimension, 16 a depth.
    pub medians: Vec<f64>,
}

/// Codes of the token vectors `[tokens, dimensions]`.
///
/// Everything is computed in f64; the codes are the same for any number of threads (rayon's current pool). Beside the
/// vectors it needs about 160 MiB and, for each thread, 512 vectors and one number a token.
///
/// # Errors
/// As [`Scaler::fit`]; [`SketchError::Projection`] where the projection fits neither the vectors nor the shape.
pub fn encode<T: Copy + Into<f64> + Sync>(
    vectors: ArrayView2<'_, T>,
    projection: &Projection,
    shape: SketchShape,
) -> Result<Encoded, SketchError> {
    let scaler = Scaler::fit(vectors)?;
    let (tokens, dimensions) = vectors.dim();
    let (has, rows) = (projection.dimensions(), projection.rows());
    if has != dimensions || rows != BITS * shape.depth() {
        return Err(SketchError::Projection { has, rows, needs: dimensions, needs_rows: BITS * shape.depth() });
    }
    let mut codes = vec![0; tokens * shape.depth()];
    let mut medians = Vec::with_capacity(rows);
    let depths_at_once = (PROJECTED / (tokens * BITS)).clamp(1, shape.depth());
    let mut projected = Vec::new();
    for first_depth in (0..shape.depth()).step_by(depths_at_once) {
        let depths = depths_at_once.min(shape.depth() - first_depth);
        project(vectors, &scaler, projection, first_depth..first_depth + depths, &mut projected);
        let group_medians = medians_of(&projected, tokens, depths);
        let width = shape.width() as u32;
        codes.par_chunks_mut(BLOCK * shape.depth()).zip(projected.par_chunks(BLOCK * BITS * depths)).for_each(
            |(codes, block)| {
                let count = codes.len() / shape.depth();
                for depth in 0..depths {
                    let dimensions = &block[depth * BITS * count..][..BITS * count];
                    let medians = &group_medians[depth * BITS..][..BITS];
                    for token in 0..count {
                        let bits = std::array::from_fn(|bit| dimensions[bit * count + token] > medians[bit]);
                        codes[token * shape.depth() + first_depth + depth] = (u32::from(pack(bits)) % width) as u16;
                    }
                }
            },
        );
        medians.extend(group_medians);
    }
    Ok(Encoded { codes, scaler, medians })
}

/// Fills `projected` with the dimensions of these depths: block after block of [`BLOCK`] tokens, a block as
/// `[dimensions, tokens of the block]`.
fn project<T: Copy + Into<f64> + Sync>(
    vectors: ArrayView2<'_, T>,
    scaler: &Scaler,
    projection: &Projection,
    depths: std::ops::Range<usize>,
    projected: &mut Vec<f64>,
) {
    let (tokens, dimensions) = vectors.dim();
    let columns = BITS * depths.len();
    projected.resize(tokens * columns, 0.0);
    projected.par_chunks_mut(BLOCK * columns).enumerate().for_each_init(
        Vec::new,
        |standardised, (block, projected)| {
            let (start, count) = (block * BLOCK, projected.len() / columns);
            standardised.resize(count * dimensions, 0.0);
            scaler.apply(vectors.slice_axis(Axis(0), (start..start + count).into()), standardised);
            projection.apply(standardised, depths.start * BITS, projected);
        },
    );
}

/// Median of each of the projected dimensions that [`project`] gave.
fn medians_of(projected: &[f64], tokens: usize, depths: usize) -> Vec<f64> {
    let columns = BITS * depths;
    let gather_and_halve = |values: &mut Vec<f64>, column: usize| {
        values.clear();
        for block in projected.chunks(BLOCK * columns) {
            let count = block.len() / columns;
            values.extend_from_slice(&block[column * count..][..count]);
        }
        median(values)
    };
    (0..columns).into_par_iter().map_init(|| Vec::with_capacity(tokens), gather_and_halve).collect()
}

/// Packs 16 bits into two bytes, the first bit the most significant of the first byte, and reads them as a
/// little-endian number.
fn pack(bits: [bool; BITS]) -> u16 {
    let in_order = bits.iter().fold(0u16, |packed, &bit| packed << 1 | u16::from(bit));
    in_order.swap_bytes()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::sketch::golden;

    #[test]
    fn the_first_bit_is_the_top_of_the_low_byte() {
        let mut bits = [false; BITS];
        bits[0] = true;
        assert_eq!(pack(bits), 0x0080);
        bits[15] = true;
        assert_eq!(pack(bits), 0x0180);
    }

    #[test]
    fn codes_equal_the_original_on_its_projection() {
        let vectors = golden::token_vectors();
        let encoded = encode(vectors.view(), &golden::projection(), golden::shape()).unwrap();
        let absolute: Vec<Vec<u32>> = encoded
            .codes
            .chunks(20)
            .map(|codes| codes.iter().zip(0..).map(|(&code, depth)| depth * 256 + u32::from(code)).collect())
            .collect();
        assert_eq!(absolute, golden::codes_absolute());

        // The original standardises in single precision (the mean in double): hence the tolerances.
        let close = |ours: &[f64], theirs: Vec<f64>, tolerance: f64| {
            assert_eq!(ours.len(), theirs.len());
            let far = ours.iter().zip(&theirs).position(|(a, b)| (a - b).abs() > tolerance);
            assert_eq!(far, None, "{ours:?}\n{theirs:?}");
        };
        close(encoded.scaler.mean(), golden::column("scaler_mean_var_scale.tsv", 0), 1e-12);
        close(encoded.scaler.scale(), golden::column("scaler_mean_var_scale.tsv", 2), 1e-7);
        close(&encoded.medians, golden::column("biases.tsv", 0), 1e-6);
    }

    #[test]
    fn projected_numbers_and_bits_equal_the_original() {
        let vectors = golden::token_vectors();
        let scaler = Scaler::fit(vectors.view()).unwrap();
        let mut projected = Vec::new();
        project(vectors.view(), &scaler, &golden::projection(), 0..20, &mut projected);
        let medians = medians_of(&projected, 3000, 20);
        let expected = golden::table("projected_first20.tsv");
        let bits = golden::table("bits_first20.tsv");
        assert_eq!((expected.len(), bits.len()), (20, 20));
        for token in 0..20 {
            for column in 0..320 {
                let ours = projected[column * BLOCK + token];
                assert!((ours - expected[token][column]).abs() < 1e-6);
                assert_eq!(f64::from(ours > medians[column]), bits[token][column]);
            }
        }
    }

    #[test]
    fn threads_and_row_blocks_never_show() {
        let shape = SketchShape::new(3, 100).unwrap();
        let vectors = Array2::from_shape_fn((1500, 11), |(i, j)| ((i * 37 + j * 101) % 97) as f32 * 0.1);
        let projection = Projection::gaussian(shape, 11, 5);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| encode(vectors.view(), &projection, shape).unwrap())
        };
        assert_eq!(run(1), run(3));
        assert!(run(1).codes.iter().all(|&code| code < 100));
    }

    #[test]
    fn a_projection_of_another_size_is_refused() {
        let shape = SketchShape::new(2, 256).unwrap();
        let vectors = Array2::<f32>::ones((4, 3));
        let found = encode(vectors.view(), &Projection::gaussian(shape, 5, 0), shape).unwrap_err();
        assert!(matches!(found, SketchError::Projection { has: 5, needs: 3, .. }), "{found}");
    }
}
