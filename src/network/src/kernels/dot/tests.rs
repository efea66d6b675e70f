//! Every kernel of inference on every instruction set against the plain definition.

use std::marker::PhantomData;

use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::super::{
    Activate, Activated, Activation, Bytes, Dense, FloatPairs, Floats, GatherPairs, Gathered, HalfPairs, Halves,
    Narrowed, QuadLists, Skip, Sums, TableSums, Words, byte, interleaved_offset,
};
use super::{DotInstructions, half, halves};
use crate::tests::unit;
use crate::tiles::{COLUMNS, Row};

fn rows(random: &mut Xoshiro256PlusPlus, count: usize) -> Vec<Row> {
    (0..count).map(|_| Row(std::array::from_fn(|_| unit(random) * 2.0 - 1.0))).collect()
}

fn words(random: &mut Xoshiro256PlusPlus, count: usize, word: impl Fn(&mut Xoshiro256PlusPlus) -> u32) -> Vec<Row> {
    (0..count).map(|_| Row(std::array::from_fn(|_| f32::from_bits(word(random))))).collect()
}

/// The numbers of a word of bfloat16.
fn two(word: f32) -> [f64; 2] {
    let bits = word.to_bits();
    [bits << 16, bits & 0xFFFF_0000].map(|bits| f64::from(f32::from_bits(bits)))
}

/// Sizes of a dense layer.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    tiles: usize,
    count: usize,
    records: usize,
    slack: usize,
}

fn sizes() -> impl Strategy<Value = Sizes> {
    (1usize..6, 0usize..100, 1usize..30, 0usize..4).prop_map(|(tiles, count, records, slack)| Sizes {
        tiles,
        count,
        records,
        slack,
    })
}

/// Runs a dense layer with every instruction set and shows `check` each result: (tile, record, column, bits).
fn dense<W: Words>(
    sizes: Sizes,
    [start, weights, inputs]: [&[Row]; 3],
    mut check: impl FnMut(&str, [usize; 3], f32) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let Sizes { tiles, count, records, slack } = sizes;
    for instructions in DotInstructions::available() {
        let stride = records + slack;
        let mut out = vec![Row::ZERO; tiles * stride];
        instructions.run(Dense::<W, _> {
            start,
            weights,
            next: inputs,
            count,
            inputs,
            input_stride: stride,
            records,
            finish: Sums { rows: &mut out, stride },
            words: PhantomData,
        });
        for tile in 0..tiles {
            for record in 0..records {
                for column in 0..COLUMNS {
                    check(instructions.name(), [tile, record, column], out[tile * stride + record].0[column])?;
                }
            }
        }
    }
    Ok(())
}

fn input(sizes: Sizes, inputs: &[Row], record: usize, k: usize) -> f32 {
    inputs[k / COLUMNS * (sizes.records + sizes.slack) + record].0[k % COLUMNS]
}

/// The sums of a layer of random numbers, and what its activation needs.
struct ActivatedLayer {
    tiles: usize,
    records: usize,
    /// Rows of a tile; those beyond the records are zero.
    stride: usize,
    /// What is added before the rectifier: 0 nothing, 1 `skips`, 2 `skips`, scaled and shifted.
    skipped: usize,
    /// Whether the sums are those of bytes.
    integers: bool,
    sums: Vec<Row>,
    skips: Vec<Row>,
    scale: Vec<Row>,
    shift: Vec<Row>,
    skip_scale: Vec<Row>,
    skip_shift: Vec<Row>,
}

impl ActivatedLayer {
    fn new(tiles: usize, records: usize, skipped: usize, integers: bool, random: &mut Xoshiro256PlusPlus) -> Self {
        let stride = records + 2;
        let mut sums = match integers {
            true => {
                let word = |random: &mut Xoshiro256PlusPlus| (random.next_u32() % 2_000_000).wrapping_sub(1_000_000);
                words(random, tiles * stride, word)
            }
            false => rows(random, tiles * stride),
        };
        // As floats, some integers are no numbers, which do not equal themselves.
        sums.chunks_mut(stride).flat_map(|tile| &mut tile[records..]).for_each(|row| *row = Row::ZERO);
        let skips = rows(random, tiles * stride);
        let [mut scale, shift, skip_scale, skip_shift] = [(); 4].map(|()| rows(random, tiles));
        scale.iter_mut().flat_map(|row| &mut row.0).for_each(|scale| *scale *= 1e-6);
        Self { tiles, records, stride, skipped, integers, sums, skips, scale, shift, skip_scale, skip_shift }
    }

    /// The activation by its definition.
    fn expected(&self, tile: usize, record: usize, column: usize) -> f64 {
        let at = |rows: &[Row]| f64::from(rows[tile].0[column]);
        let row = tile * self.stride + record;
        let sum = self.sums[row].0[column];
        let mut value = match self.integers {
            true => f64::from(sum.to_bits() as i32) * at(&self.scale) + at(&self.shift),
            false => f64::from(sum),
        };
        let skip = f64::from(self.skips[row].0[column]);
        value += [0.0, skip, skip * at(&self.skip_scale) + at(&self.skip_shift)][self.skipped];
        if value > 0.0 { value } else { 0.01 * value }
    }

    /// The activation of the records from `record` on.
    fn activation<'a>(&'a self, record: usize, narrowed: Narrowed<'a>) -> Activation<'a> {
        let skips = &self.skips[record..];
        let skip = match self.skipped {
            0 => Skip::None,
            1 => Skip::Plain(skips),
            _ => Skip::Scaled(skips, [&self.skip_scale, &self.skip_shift]),
        };
        let integers = self.integers.then_some([&self.scale[..], &self.shift]);
        Activation { integers, skip, skip_stride: self.stride, narrowed, narrowed_stride: self.stride }
    }

    /// The activations of all records at once, which are those at the end of a layer without inputs, too.
    fn run(&self, instructions: DotInstructions, narrowed: Narrowed<'_>) -> Vec<Row> {
        let &Self { tiles, records, stride, .. } = self;
        let mut z = self.sums.clone();
        let activation = self.activation(0, narrowed);
        instructions.run(Activate { z: &mut z, stride, tiles, records, activation });
        let mut kept = self.sums.clone();
        let mut again = vec![Row::ZERO; 4 * stride];
        for record in 0..records {
            let start: Vec<Row> = (0..tiles).map(|tile| self.sums[tile * stride + record]).collect();
            let activation = self.activation(record, Narrowed::Floats(&mut again));
            instructions.run(Dense::<Floats, _> {
                start: &start,
                weights: &[],
                next: &[],
                count: 0,
                inputs: &[],
                input_stride: 0,
                records: 1,
                finish: Activated { activation, kept: Some(Sums { rows: &mut kept[record..], stride }) },
                words: PhantomData,
            });
        }
        assert!(z == kept, "{}", instructions.name());
        z
    }

    /// Whether rows of words of so many numbers are as before where they belong to other tiles and records.
    fn leaves_others(&self, rows: &[Row], before: &[Row], numbers: usize) -> bool {
        let tiles = 0..self.tiles.div_ceil(numbers);
        let own = |row: usize| tiles.contains(&(row / self.stride)) && row % self.stride < self.records;
        rows.iter().zip(before).enumerate().all(|(row, (after, before))| own(row) || after == before)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn dense_layers_of_floats(sizes in sizes(), seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (start, weights) = (rows(&mut random, sizes.tiles), rows(&mut random, sizes.tiles * sizes.count));
        let inputs = rows(&mut random, sizes.count.div_ceil(COLUMNS) * (sizes.records + sizes.slack));
        dense::<Floats>(sizes, [&start, &weights, &inputs], |name, [tile, record, column], found| {
            let terms = (0..sizes.count).map(|k| {
                f64::from(input(sizes, &inputs, record, k)) * f64::from(weights[tile * sizes.count + k].0[column])
            });
            let expected = f64::from(start[tile].0[column]) + terms.sum::<f64>();
            prop_assert!((f64::from(found) - expected).abs() < 2e-5, "{name}: {found}, not {expected}");
            Ok(())
        })?;
    }

    #[test]
    fn dense_layers_of_bfloat16(sizes in sizes(), seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let word = |random: &mut Xoshiro256PlusPlus| halves([unit(random) - 0.5, unit(random) * 2.0 - 1.0]).to_bits();
        let (start, weights) = (rows(&mut random, sizes.tiles), words(&mut random, sizes.tiles * sizes.count, word));
        let inputs = words(&mut random, sizes.count.div_ceil(COLUMNS) * (sizes.records + sizes.slack), word);
        dense::<Halves>(sizes, [&start, &weights, &inputs], |name, [tile, record, column], found| {
            let terms = (0..sizes.count).map(|k| {
                let [a, b] = two(input(sizes, &inputs, record, k));
                let [c, d] = two(weights[tile * sizes.count + k].0[column]);
                a * c + b * d
            });
            let expected = f64::from(start[tile].0[column]) + terms.sum::<f64>();
            prop_assert!((f64::from(found) - expected).abs() < 2e-5, "{name}: {found}, not {expected}");
            Ok(())
        })?;
    }

    #[test]
    fn dense_layers_of_bytes_are_exact(sizes in sizes(), seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let word = |random: &mut Xoshiro256PlusPlus| random.next_u32();
        let start = words(&mut random, sizes.tiles, |random| random.next_u32() % 1000);
        let weights = words(&mut random, sizes.tiles * sizes.count, word);
        let inputs = words(&mut random, sizes.count.div_ceil(COLUMNS) * (sizes.records + sizes.slack), word);
        dense::<Bytes>(sizes, [&start, &weights, &inputs], |name, [tile, record, column], found| {
            let terms = (0..sizes.count).map(|k| {
                let input = input(sizes, &inputs, record, k).to_bits().to_le_bytes();
                let weight = weights[tile * sizes.count + k].0[column].to_bits().to_le_bytes();
                input.iter().zip(weight).map(|(&a, b)| i32::from(a) * i32::from(b as i8)).sum::<i32>()
            });
            let expected = start[tile].0[column].to_bits() as i32 + terms.sum::<i32>();
            prop_assert_eq!(found.to_bits() as i32, expected, "{}", name);
            Ok(())
        })?;
    }

    #[test]
    fn gathered_pairs(records in 1usize..40, inputs in 1usize..600, density in 0.0f32..0.3, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut values = vec![vec![0.0f32; inputs]; records];
        values.iter_mut().flatten().for_each(|value| if unit(&mut random) < density { *value = unit(&mut random) });
        let weights: Vec<[Row; 2]> = rows(&mut random, 2 * inputs).as_chunks().0.to_vec();
        let before = rows(&mut random, 2 * records);
        let rounded = |value: f32| f32::from_bits(u32::from(half(value)) << 16);

        let floats = weights.as_flattened();
        let weight = |input: usize, tile: usize, column: usize| floats[2 * input + tile].0[column];
        gather::<FloatPairs>(&values, floats, &before, weight, |value| value)?;
        let mut packed = vec![Row::ZERO; inputs];
        for (packed, weights) in packed.iter_mut().zip(&weights) {
            let packed: &mut [u16; 2 * COLUMNS] = bytemuck::cast_mut(packed);
            for (tile, row) in weights.iter().enumerate() {
                for (column, &weight) in row.0.iter().enumerate() {
                    packed[tile * COLUMNS + interleaved_offset(column)] = half(weight);
                }
            }
        }
        let weight = |input: usize, tile: usize, column: usize| rounded(weights[input][tile].0[column]);
        gather::<HalfPairs>(&values, &packed, &before, weight, rounded)?;
    }

    #[test]
    fn table_sums(records in 1usize..40, ids in 1usize..50, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let tables = rows(&mut random, 2 * ids);
        let chosen: Vec<[u32; 3]> = (0..records).map(|_| [(); 3].map(|()| random.next_u32() % ids as u32)).collect();
        for instructions in DotInstructions::available() {
            let mut out = rows(&mut random, 2 * records);
            instructions.run(TableSums { tables: &tables, ids: &chosen, out: &mut out });
            for (row, found) in out.iter().enumerate() {
                for column in 0..COLUMNS {
                    let term = |id: u32| tables[2 * id as usize + row / records].0[column];
                    let [a, b, c] = chosen[row % records].map(term);
                    prop_assert_eq!(found.0[column], a + b + c, "{}", instructions.name());
                }
            }
        }
    }

    #[test]
    fn activations(tiles in 1usize..5, records in 1usize..9, skipped in 0usize..3, integers: bool, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let layer = ActivatedLayer::new(tiles, records, skipped, integers, &mut random);
        let mut factor = rows(&mut random, tiles);
        factor.iter_mut().flat_map(|row| &mut row.0).for_each(|factor| *factor *= 100.0);
        let zero: Vec<Row> =
            (0..tiles).map(|_| Row(std::array::from_fn(|_| (random.next_u32() % 256) as f32))).collect();
        for instructions in DotInstructions::available() {
            let before = rows(&mut random, 4 * layer.stride);
            let [mut floats, mut halves, mut bytes] = [(); 3].map(|()| before.clone());
            let z = layer.run(instructions, Narrowed::Floats(&mut floats));
            prop_assert_eq!(&z, &layer.run(instructions, Narrowed::Halves(&mut halves)));
            prop_assert_eq!(&z, &layer.run(instructions, Narrowed::Bytes(&mut bytes, [&factor, &zero])));
            for (tile, record) in (0..tiles).flat_map(|tile| (0..records).map(move |record| (tile, record))) {
                let row = z[tile * layer.stride + record];
                prop_assert_eq!(row, floats[tile * layer.stride + record]);
                let own_halves: [u16; 64] = bytemuck::cast(halves[tile / 2 * layer.stride + record]);
                let own_bytes: [u8; 128] = bytemuck::cast(bytes[record]);
                for column in 0..COLUMNS {
                    let value = row.0[column];
                    let difference = (f64::from(value) - layer.expected(tile, record, column)).abs();
                    prop_assert!(difference < 1e-6, "{}: {value}", instructions.name());
                    prop_assert_eq!(own_halves[tile % 2 * COLUMNS + column], half(value));
                    let at = |rows: &[Row]| f64::from(rows[tile].0[column]);
                    let stored = own_bytes[tile * COLUMNS + column];
                    let distance = f64::from(stored) - (f64::from(value) * at(&factor) + at(&zero)).clamp(0.0, 255.0);
                    prop_assert!(distance.abs() < 0.5 + 1e-4, "{}: {stored} for {value}", instructions.name());
                }
            }
            for (rows, numbers) in [(&floats, 1), (&halves, 2), (&bytes, 4)] {
                prop_assert!(layer.leaves_others(rows, &before, numbers), "{}", instructions.name());
            }
            let (after, before): ([u8; 128], [u8; 128]) = (bytemuck::cast(bytes[0]), bytemuck::cast(before[0]));
            prop_assert_eq!(&after[tiles * COLUMNS..], &before[tiles * COLUMNS..]);
        }
    }

    #[test]
    fn halves_are_the_nearest(value in -1e30f32..1e30) {
        let rounded = |bits: u16| f64::from(f32::from_bits(u32::from(bits) << 16));
        let found = half(value);
        let distance = (rounded(found) - f64::from(value)).abs();
        for other in [found.wrapping_sub(1), found.wrapping_add(1)].map(rounded).into_iter().filter(|v| v.is_finite()) {
            prop_assert!(distance <= (other - f64::from(value)).abs());
        }
        prop_assert_eq!(two(halves([value, 1.0])), [rounded(found), 1.0]);
    }
}

/// Gathers with every instruction set and compares with the sums of `weight × rounded(value)`.
fn gather<G: Gathered>(
    values: &[Vec<f32>],
    weights: &[Row],
    before: &[Row],
    weight: impl Fn(usize, usize, usize) -> f32,
    rounded: impl Fn(f32) -> f32,
) -> Result<(), TestCaseError> {
    let (records, inputs) = (values.len(), values[0].len());
    let (mut listed, mut ends) = (Vec::new(), Vec::new());
    for row in values {
        listed.extend((0u32..).zip(row.iter().copied()).filter(|(_, value)| *value != 0.0));
        ends.push(listed.len());
    }
    let mut lists = QuadLists::default();
    lists.fill(inputs, &listed, &ends);
    let lists = &lists;
    for instructions in DotInstructions::available() {
        for next in [None, Some(weights)] {
            let mut out = before.to_vec();
            let ahead = next.unwrap_or(&[]);
            instructions.run(GatherPairs::<G> { lists, weights, ahead, next, out: &mut out });
            for (row, (found, before)) in out.iter().zip(before).enumerate() {
                let (tile, record) = (row / records, row % records);
                for column in 0..COLUMNS {
                    let terms = values[record]
                        .iter()
                        .enumerate()
                        .map(|(input, &value)| f64::from(rounded(value)) * f64::from(weight(input, tile, column)));
                    let expected = f64::from(before.0[column]) + terms.sum::<f64>();
                    let difference = (f64::from(found.0[column]) - expected).abs();
                    prop_assert!(difference < 2e-5, "{}: {}, not {expected}", instructions.name(), found.0[column]);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn values_beyond_the_range_become_the_first_or_the_last_byte() {
    assert_eq!([-7.0, 0.4, 0.6, 2.5, 254.6, 1e30].map(|value| byte(value, 1.0, 0.0)), [0, 0, 1, 2, 255, 255]);
    assert_eq!([-7.0, -10.0, 3.2].map(|value| byte(value, 2.0, 14.0)), [0, 0, 20]);
}
