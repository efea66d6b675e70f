//! Every kernel of inference on every instruction set against the plain definition.

use std::marker::PhantomData;

use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::super::{
    Activate, Bytes, Dense, FloatPairs, Floats, GatherPairs, Gathered, HalfPairs, Halves, Narrowed, Pair, Skip, Words,
    byte, half_place,
};
use super::{DotInstructions, half, halves};
use crate::net::tests::unit;
use crate::net::tiles::{COLUMNS, Row};

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
        instructions.run(Dense::<W> {
            start,
            weights,
            count,
            inputs,
            input_stride: stride,
            records,
            out: &mut out,
            out_stride: stride,
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
        gather::<FloatPairs>(&values, floats, &before, |input, tile, column| floats[2 * input + tile].0[column], |v| v)?;
        let mut packed = vec![Row::ZERO; inputs];
        for (packed, weights) in packed.iter_mut().zip(&weights) {
            let packed: &mut [u16; 2 * COLUMNS] = bytemuck::cast_mut(packed);
            for (tile, row) in weights.iter().enumerate() {
                for (column, &weight) in row.0.iter().enumerate() {
                    packed[tile * COLUMNS + half_place(column)] = half(weight);
                }
            }
        }
        let weight = |input: usize, tile: usize, column: usize| rounded(weights[input][tile].0[column]);
        gather::<HalfPairs>(&values, &packed, &before, weight, rounded)?;
    }

    #[test]
    fn activations(records in 1usize..9, seed: u64, skipped in 0usize..3, integers: bool, part in 0usize..4) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let sums = match integers {
            true => words(&mut random, records, |random| (random.next_u32() % 2_000_000).wrapping_sub(1_000_000)),
            false => rows(&mut random, records),
        };
        let skips = rows(&mut random, records);
        let [scale, shift, skip_scale, skip_shift, factor] = [(); 5].map(|()| rows(&mut random, 1)[0]);
        let scale = Row(scale.0.map(|scale| scale * 1e-6));
        let factor = Row(factor.0.map(|factor| factor * 100.0));
        let zero = Row(std::array::from_fn(|_| (random.next_u32() % 256) as f32));
        let expected = |record: usize, column: usize| {
            let sum = sums[record].0[column];
            let at = |row: Row| f64::from(row.0[column]);
            let mut value = match integers {
                true => f64::from(sum.to_bits() as i32) * at(scale) + at(shift),
                false => f64::from(sum),
            };
            value += match skipped {
                0 => 0.0,
                1 => at(skips[record]),
                _ => at(skips[record]) * at(skip_scale) + at(skip_shift),
            };
            if value > 0.0 { value } else { 0.01 * value }
        };
        for instructions in DotInstructions::available() {
            let run = |narrowed: Narrowed<'_>| {
                let mut z = sums.clone();
                let skip = match skipped {
                    0 => Skip::None,
                    1 => Skip::Plain(&skips),
                    _ => Skip::Scaled(&skips, [&skip_scale, &skip_shift]),
                };
                instructions.run(Activate { z: &mut z, integers: integers.then_some([&scale, &shift]), skip, narrowed });
                z
            };
            let before = rows(&mut random, records);
            let [mut floats, mut halves, mut bytes] = [(); 3].map(|()| before.clone());
            let z = run(Narrowed::Floats { rows: &mut floats });
            prop_assert_eq!(&z, &floats);
            prop_assert_eq!(&z, &run(Narrowed::Halves { rows: &mut halves, part: part % 2 }));
            prop_assert_eq!(&z, &run(Narrowed::Bytes { rows: &mut bytes, part, scale: &factor, zero: &zero }));
            for record in 0..records {
                let (z, before) = (&z[record].0, &before[record]);
                let own_halves: [u16; 64] = bytemuck::cast(halves[record]);
                let own_bytes: [u8; 128] = bytemuck::cast(bytes[record]);
                let (mut other_halves, mut other_bytes): ([u16; 64], [u8; 128]) =
                    (bytemuck::cast(*before), bytemuck::cast(*before));
                for column in 0..COLUMNS {
                    let difference = (f64::from(z[column]) - expected(record, column)).abs();
                    prop_assert!(difference < 1e-6, "{}: {}", instructions.name(), z[column]);
                    other_halves[part % 2 * COLUMNS + column] = half(z[column]);
                    let number = f64::from(z[column]) * f64::from(factor.0[column]) + f64::from(zero.0[column]);
                    let stored = own_bytes[part * COLUMNS + column];
                    let distance = (f64::from(stored) - number.clamp(0.0, 255.0)).abs();
                    prop_assert!(distance < 0.5 + 1e-4, "{}: {stored} for {number}", instructions.name());
                    other_bytes[part * COLUMNS + column] = stored;
                }
                prop_assert!(own_halves == other_halves && own_bytes == other_bytes);
            }
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
    let (mut pairs, mut starts) = (Vec::new(), vec![0]);
    for block in (0..inputs).step_by(G::BLOCK) {
        for row in values {
            let row = row[block..].iter().take(G::BLOCK).enumerate();
            let listed: Vec<(usize, f32)> = row.filter(|(_, v)| **v != 0.0).map(|(at, &value)| (at, value)).collect();
            pairs.extend(listed.chunks(2).map(|two| {
                let (a, value) = two[0];
                let (b, other) = two.get(1).copied().unwrap_or((a, 0.0));
                Pair { at: [a as u16, b as u16], value: G::value([value, other]) }
            }));
            starts.push(pairs.len() as u32);
        }
    }
    for instructions in DotInstructions::available() {
        for next in [None, Some(weights)] {
            let mut out = before.to_vec();
            let (pairs, starts) = (&pairs, &starts);
            instructions.run(GatherPairs::<G> { pairs, starts, records, weights, next, out: &mut out });
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
