//! Products of tiled matrices: a tile's row of vectors times scalars broadcast from another matrix.
//!
//! Both kernels take two tiles together if the registers can hold their sums, because a scalar is then loaded once for
//! both. They cut the long dimension so that the vectors stay in half of the first-level cache; another hardware thread
//! may use the other half. The order of every sum is the same for every cut.

use super::update::{Slots, Update, UpdateLanes};
use super::{Kernel, Lanes, holds_rows};
use crate::tiles::{COLUMNS, Row};

/// Rows of a product and inputs of a weight step come in multiples of it.
pub(crate) const GROUP: usize = 8;

/// Tiles that are best given to these kernels together.
pub(crate) const PAIR: usize = 2;

/// Rows of a tile of vectors that are used by all sums before the next ones: 8 KB.
const RESIDENT: usize = 64;

/// Adds to the sums of `R` rows what each one's scalar gives with row `index` of `T` tiles, `P` vectors of it.
///
/// # Safety
/// The last tile must have the row: `vectors` is longer than `(T - 1) * stride + index`.
#[inline(always)]
unsafe fn add_products<L: Lanes, const T: usize, const P: usize, const R: usize>(
    lanes: L,
    sums: &mut [[[L::Vector; P]; T]; R],
    vectors: &[Row],
    stride: usize,
    index: usize,
    first_part: usize,
    scalars: [f32; R],
) {
    let mut vector = [[lanes.splat(0.0); P]; T];
    for tile in 0..T {
        // SAFETY: the caller's promise.
        let row = unsafe { vectors.get_unchecked(tile * stride + index) };
        for part in 0..P {
            vector[tile][part] = lanes.load(row, first_part + part);
        }
    }
    for row in 0..R {
        let scalar = lanes.splat(scalars[row]);
        for tile in 0..T {
            for part in 0..P {
                sums[row][tile][part] = lanes.mul_add(scalar, vector[tile][part], sums[row][tile][part]);
            }
        }
    }
}

/// `out(tile, r) = start[tile] + Σ over k < count of scalar(r, k) × vector(tile, k)`.
///
/// Both factors are cut into chunks of 32 along `k`: `vector(tile, k)` is row
/// `tile * tile_stride + k / 32 * vector_stride + k % 32` of `vectors`, `scalar(r, k)` is column `k % 32` of row
/// `k / 32 * scalar_stride + r` of `scalars`; `out(tile, r)` is row `tile * out_stride + r` of `out`.
pub(crate) struct Product<'a> {
    /// What the sums of each tile start from.
    pub(crate) start: &'a [Row],
    pub(crate) vectors: &'a [Row],
    pub(crate) tile_stride: usize,
    pub(crate) vector_stride: usize,
    pub(crate) scalars: &'a [Row],
    pub(crate) scalar_stride: usize,
    pub(crate) count: usize,
    /// Rows of a tile, a multiple of [`GROUP`].
    pub(crate) rows: usize,
    pub(crate) out: &'a mut [Row],
    pub(crate) out_stride: usize,
}

impl Product<'_> {
    /// What one panel of chunks adds to `T` tiles, `P` vectors of a row and `R` rows at a time.
    #[inline(always)]
    fn panel<L: Lanes, const T: usize, const P: usize, const R: usize>(
        &mut self,
        lanes: L,
        first_chunk: usize,
        first_tile: usize,
    ) {
        let last_chunk = (first_chunk + RESIDENT / COLUMNS).min(self.count.div_ceil(COLUMNS));
        let next = (self.count - (last_chunk * COLUMNS).min(self.count)).min(RESIDENT);
        let share = next.div_ceil((self.rows / R).max(1));
        for first_part in (0..L::PARTS).step_by(P) {
            for group in (0..self.rows).step_by(R) {
                let mut sums = [[[lanes.splat(0.0); P]; T]; R];
                for row in 0..R {
                    for tile in 0..T {
                        let at = (first_tile + tile) * self.out_stride + group + row;
                        let so_far = if first_chunk == 0 { &self.start[first_tile + tile] } else { &self.out[at] };
                        for part in 0..P {
                            sums[row][tile][part] = lanes.load(so_far, first_part + part);
                        }
                    }
                }
                // The next panel is prefetched bit by bit.
                let ahead = group / R * share;
                for k in ahead..(ahead + share).min(next) {
                    for tile in 0..T {
                        let chunk = last_chunk + k / COLUMNS;
                        let at = (first_tile + tile) * self.tile_stride + chunk * self.vector_stride + k % COLUMNS;
                        lanes.prefetch(&self.vectors[at]);
                    }
                }
                for chunk in first_chunk..last_chunk {
                    let vectors = &self.vectors[first_tile * self.tile_stride + chunk * self.vector_stride..];
                    let scalars = &self.scalars[chunk * self.scalar_stride + group..];
                    for k in 0..(self.count - chunk * COLUMNS).min(COLUMNS) {
                        let mut scalar = [0.0; R];
                        for row in 0..R {
                            // SAFETY: `run` found the last chunk's last row; `k` is below 32.
                            scalar[row] = unsafe { *scalars.get_unchecked(row).0.get_unchecked(k) };
                        }
                        // SAFETY: `run` found the last tile's last chunk's last row, and the others lie before it.
                        unsafe { add_products(lanes, &mut sums, vectors, self.tile_stride, k, first_part, scalar) };
                    }
                }
                for row in 0..R {
                    for tile in 0..T {
                        let out = &mut self.out[(first_tile + tile) * self.out_stride + group + row];
                        for part in 0..P {
                            lanes.store(out, first_part + part, sums[row][tile][part]);
                        }
                    }
                }
            }
        }
    }
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        let (tiles, chunks) = (self.start.len(), self.count.div_ceil(COLUMNS));
        assert!(self.rows.is_multiple_of(GROUP) && L::PARTS.is_multiple_of(2));
        let Some(last_tile) = tiles.checked_sub(1) else { return };
        assert!(holds_rows(self.out, [(last_tile, self.out_stride)], self.rows));
        if let Some(last) = chunks.checked_sub(1) {
            // A chunk before the last one has 32 rows, which end before the next chunk's first.
            assert!(last == 0 || self.vector_stride >= COLUMNS);
            let steps = [(last_tile, self.tile_stride), (last, self.vector_stride)];
            assert!(holds_rows(self.vectors, steps, self.count - last * COLUMNS));
            assert!(holds_rows(self.scalars, [(last, self.scalar_stride)], self.rows));
        }
        for chunk in (0..chunks.max(1)).step_by(RESIDENT / COLUMNS) {
            let mut tile = 0;
            while tile < tiles {
                // As many sums as the registers hold: 16 of 32 with AVX-512, 8 of 16 with AVX2.
                match (L::PARTS, tiles - tile) {
                    (2, PAIR..) => self.panel::<L, PAIR, 2, 4>(lanes, chunk, tile),
                    (2, _) => self.panel::<L, 1, 2, 8>(lanes, chunk, tile),
                    _ => self.panel::<L, 1, 2, 4>(lanes, chunk, tile),
                }
                tile += if L::PARTS == 2 { PAIR } else { 1 };
            }
        }
    }
}

/// Gradient of tiles of weights and their AdamW step:
/// `gradient(tile, i) = Σ over records of input(record, i) × vector(tile, record)`.
///
/// `input(record, i)` is column `i % 32` of row `i / 32 * scalar_stride + record` of `scalars`, `vector(tile, record)`
/// row `tile * vector_stride + record` of `vectors`.
pub(crate) struct WeightStep<'a> {
    /// Gradient of the tiles' outputs, a row a record.
    pub(crate) vectors: &'a [Row],
    pub(crate) vector_stride: usize,
    pub(crate) records: usize,
    /// The layer's inputs.
    pub(crate) scalars: &'a [Row],
    pub(crate) scalar_stride: usize,
    /// Number of tiles.
    pub(crate) tiles: usize,
    /// The tiles of weights, one after the other, each a multiple of [`GROUP`] rows.
    pub(crate) slots: Slots<'a>,
    pub(crate) update: &'a Update,
}

/// Records between two vectors of AdamW.
const STRETCH: usize = 16;

/// How many inputs ahead weights and moments are prefetched.
const AHEAD: usize = 4;

/// Gradients of a chunk of inputs, for each tile.
type Gradients<const T: usize> = [[Row; COLUMNS]; T];

/// Vectors of a chunk of inputs that are yet to be stepped.
struct Waiting {
    first_input: usize,
    inputs: usize,
    stepped: usize,
}

impl WeightStep<'_> {
    /// Steps `T` tiles, `P` vectors of a row and `R` inputs at a time.
    #[inline(always)]
    fn step_tiles<L: Lanes, const T: usize, const P: usize, const R: usize>(&mut self, lanes: L, first_tile: usize) {
        let inputs = self.slots.weight.len() / self.tiles;
        let update = UpdateLanes::new(lanes, self.update);
        // AdamW divides and takes roots, for which the processor has one slow unit that sums do not need: while the
        // sums of a chunk of inputs are computed, the chunk before it is stepped, a vector every few records.
        let mut gradients = [[[Row::ZERO; COLUMNS]; T]; 2];
        let mut waiting = Waiting { first_input: 0, inputs: 0, stepped: 0 };
        for (chunk, first_input) in (0..inputs).step_by(COLUMNS).enumerate() {
            let chunk_inputs = (inputs - first_input).min(COLUMNS);
            let [even, odd] = &mut gradients;
            let (now, before) = if chunk % 2 == 0 { (even, &*odd) } else { (odd, &*even) };
            let stretches = self.records.div_ceil(STRETCH) * (chunk_inputs / R) * (L::PARTS / P);
            let share = (waiting.inputs * T * L::PARTS).div_ceil(stretches.max(1));
            for first_record in (0..self.records.max(1)).step_by(RESIDENT) {
                let records = (self.records - first_record).min(RESIDENT);
                let vectors = &self.vectors[first_tile * self.vector_stride + first_record..];
                let scalars = &self.scalars[chunk * self.scalar_stride + first_record..];
                for first_part in (0..L::PARTS).step_by(P) {
                    for group in (0..chunk_inputs).step_by(R) {
                        let mut sums = [[[lanes.splat(0.0); P]; T]; R];
                        if first_record > 0 {
                            for row in 0..R {
                                for tile in 0..T {
                                    for part in 0..P {
                                        sums[row][tile][part] = lanes.load(&now[tile][group + row], first_part + part);
                                    }
                                }
                            }
                        }
                        for stretch in (0..records).step_by(STRETCH) {
                            self.step_waiting::<L, T>(lanes, &update, first_tile, &mut waiting, before, share);
                            for record in stretch..(stretch + STRETCH).min(records) {
                                let mut scalar = [0.0; R];
                                for row in 0..R {
                                    // SAFETY: `run` found the last chunk's last record; `group + row` is below 32,
                                    // because `R` divides the chunk's inputs.
                                    scalar[row] =
                                        unsafe { *scalars.get_unchecked(record).0.get_unchecked(group + row) };
                                }
                                let stride = self.vector_stride;
                                // SAFETY: `run` found the last tile's last record.
                                unsafe { add_products(lanes, &mut sums, vectors, stride, record, first_part, scalar) };
                            }
                        }
                        for row in 0..R {
                            for tile in 0..T {
                                for part in 0..P {
                                    lanes.store(&mut now[tile][group + row], first_part + part, sums[row][tile][part]);
                                }
                            }
                        }
                    }
                }
            }
            self.step_waiting::<L, T>(lanes, &update, first_tile, &mut waiting, before, usize::MAX);
            waiting = Waiting { first_input, inputs: chunk_inputs, stepped: 0 };
        }
        let last = &gradients[(inputs.div_ceil(COLUMNS) + 1) % 2];
        self.step_waiting::<L, T>(lanes, &update, first_tile, &mut waiting, last, usize::MAX);
    }

    /// Steps the next vectors that wait, so many at most.
    #[inline(always)]
    fn step_waiting<L: Lanes, const T: usize>(
        &mut self,
        lanes: L,
        update: &UpdateLanes<L::Vector>,
        first_tile: usize,
        waiting: &mut Waiting,
        gradients: &Gradients<T>,
        most: usize,
    ) {
        let inputs = self.slots.weight.len() / self.tiles;
        let end = waiting.stepped.saturating_add(most).min(waiting.inputs * T * L::PARTS);
        for number in waiting.stepped..end {
            let (input, tile, part) = (number / (T * L::PARTS), number / L::PARTS % T, number % L::PARTS);
            let (first_slot, at) = ((first_tile + tile) * inputs, waiting.first_input + input);
            if part == 0 {
                self.slots.prefetch(lanes, first_slot + (at + AHEAD).min(inputs - 1));
            }
            let gradient = lanes.load(&gradients[tile][input], part);
            update.apply(lanes, gradient, self.slots.row(first_slot + at), part);
        }
        waiting.stepped = end;
    }
}

impl Kernel for WeightStep<'_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        let Some(last_tile) = self.tiles.checked_sub(1) else { return };
        let inputs = self.slots.weight.len() / self.tiles;
        assert!(inputs.is_multiple_of(GROUP) && L::PARTS.is_multiple_of(2));
        self.slots.assert_rows(self.tiles * inputs);
        assert!(holds_rows(self.vectors, [(last_tile, self.vector_stride)], self.records));
        if let Some(last) = inputs.div_ceil(COLUMNS).checked_sub(1) {
            assert!(holds_rows(self.scalars, [(last, self.scalar_stride)], self.records));
        }
        let mut tile = 0;
        while tile < self.tiles {
            match (L::PARTS, self.tiles - tile) {
                (2, PAIR..) => self.step_tiles::<L, PAIR, 2, 4>(lanes, tile),
                (2, _) => self.step_tiles::<L, 1, 2, 8>(lanes, tile),
                _ => self.step_tiles::<L, 1, 2, 4>(lanes, tile),
            }
            tile += if L::PARTS == 2 { PAIR } else { 1 };
        }
    }
}
