//! Every kernel on every instruction set against the plain definition.

use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::*;
use crate::tests::unit;
use crate::tiles::COLUMNS;

fn rows(random: &mut Xoshiro256PlusPlus, count: usize) -> Vec<Row> {
    (0..count).map(|_| Row(std::array::from_fn(|_| unit(random) * 2.0 - 1.0))).collect()
}

fn assert_close(ours: &[Row], theirs: &[[f64; COLUMNS]], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (row, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        for (column, (&a, &b)) in ours.0.iter().zip(theirs).enumerate() {
            assert!((f64::from(a) - b).abs() <= 2e-5, "{what} ({row}, {column}): {a}, expected {b}");
        }
    }
}

/// The values that are not zero, a list of inputs a record.
fn sparse(values: &[Vec<f32>]) -> SparseRecords {
    let mut records = SparseRecords::default();
    for row in values {
        let row = (0u32..).zip(row).filter(|(_, value)| **value != 0.0);
        records.extend(row.map(|(index, &value)| Entry { index, value }));
        records.end_record();
    }
    records
}

const UPDATE: Update = Update {
    keep: 0.99,
    first_share: 0.1,
    second_keep: 0.999,
    second_share: 0.001,
    step: 0.05,
    root_scale: 3.0,
    epsilon: 0.01,
};

/// Weight and moments of one parameter after a step.
fn stepped(gradient: f64, old: [f32; 3]) -> [f64; 3] {
    let [weight, first, second] = old.map(f64::from);
    let first = first + (gradient - first) * 0.1;
    let second = second * 0.999 + 0.001 * gradient * gradient;
    [weight * 0.99 - 0.05 * first / (second.sqrt() * 3.0 + 0.01), first, second]
}

/// Weights, moments, and what a step with these gradients makes of them.
struct Parameters {
    old: [Vec<Row>; 3],
}

impl Parameters {
    fn new(random: &mut Xoshiro256PlusPlus, count: usize) -> Self {
        let mut old = [(); 3].map(|()| rows(random, count));
        old[2].iter_mut().flat_map(|row| &mut row.0).for_each(|value| *value = value.abs());
        Self { old }
    }

    fn check(&self, what: &str, gradient: impl Fn(usize, usize) -> f64, run: impl Fn(Slots<'_>)) {
        let mut new = self.old.clone();
        let [weight, first, second] = &mut new;
        run(Slots { weight, first, second });
        for (kind, new) in new.iter().enumerate() {
            let expected = |row: usize, column: usize| {
                stepped(gradient(row, column), [0, 1, 2].map(|kind: usize| self.old[kind][row].0[column]))[kind]
            };
            let expected: Vec<_> = (0..new.len()).map(|row| std::array::from_fn(|c| expected(row, c))).collect();
            assert_close(new, &expected, what);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn products(tiles in 1usize..6, groups in 1usize..6, count in 0usize..200, slack in 0usize..5, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (rows_out, chunks) = (groups * GROUP, count.div_ceil(COLUMNS));
        let (vector_stride, scalar_stride, out_stride) = (COLUMNS + slack, rows_out + slack, rows_out + slack);
        let tile_stride = chunks * vector_stride;
        let vectors = rows(&mut random, tiles * tile_stride);
        let (scalars, start) = (rows(&mut random, chunks * scalar_stride), rows(&mut random, tiles));
        let expected = |tile: usize, row: usize, column: usize| f64::from(start[tile].0[column]) + (0..count).map(|k| {
            let scalar = scalars[k / COLUMNS * scalar_stride + row].0[k % COLUMNS];
            let vector = vectors[tile * tile_stride + k / COLUMNS * vector_stride + k % COLUMNS].0[column];
            f64::from(scalar) * f64::from(vector)
        }).sum::<f64>();
        let expected: Vec<[f64; COLUMNS]> = (0..tiles * out_stride).map(|at| match at % out_stride {
            row if row < rows_out => std::array::from_fn(|column| expected(at / out_stride, row, column)),
            _ => [0.0; COLUMNS],
        }).collect();
        for instructions in Instructions::available() {
            let mut out = vec![Row::ZERO; tiles * out_stride];
            instructions.run(Product {
                start: &start,
                vectors: &vectors,
                tile_stride,
                vector_stride,
                scalars: &scalars,
                scalar_stride,
                count,
                rows: rows_out,
                out: &mut out,
                out_stride,
            });
            assert_close(&out, &expected, instructions.name());
        }
    }

    #[test]
    fn weight_steps(tiles in 1usize..4, groups in 1usize..13, records in 0usize..150, slack in 0usize..5, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (inputs, scalar_stride, vector_stride) = (groups * GROUP, records + slack, records + slack);
        let vectors = rows(&mut random, tiles * vector_stride);
        let scalars = rows(&mut random, inputs.div_ceil(COLUMNS) * scalar_stride);
        let parameters = Parameters::new(&mut random, tiles * inputs);
        let gradient = |row: usize, column: usize| (0..records).map(|record| {
            let (tile, input) = (row / inputs, row % inputs);
            let scalar = scalars[input / COLUMNS * scalar_stride + record].0[input % COLUMNS];
            f64::from(scalar) * f64::from(vectors[tile * vector_stride + record].0[column])
        }).sum();
        for instructions in Instructions::available() {
            parameters.check(instructions.name(), gradient, |slots| instructions.run(WeightStep {
                vectors: &vectors,
                vector_stride,
                records,
                scalars: &scalars,
                scalar_stride,
                tiles,
                slots,
                update: &UPDATE,
            }));
        }
    }

    #[test]
    fn gathers(tiles in 1usize..8, records in 1usize..20, inputs in 1usize..300, density in 0.0f32..0.3, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut values = vec![vec![0.0f32; inputs]; records];
        values.iter_mut().flatten().for_each(|value| if unit(&mut random) < density { *value = unit(&mut random) });
        let weights = rows(&mut random, tiles * inputs);
        let before = rows(&mut random, tiles * records);
        let mut lists = EntryLists::default();
        lists.fill_by_block(inputs, &sparse(&values));
        for instructions in Instructions::available() {
            let mut out = before.clone();
            instructions.run(Gather {
                lists: &lists,
                records,
                weights: &weights,
                weight_rows: inputs,
                out: &mut out,
                out_rows: records,
            });
            let value = |row: usize, column: usize| {
                let (tile, record) = (row / records, row % records);
                let weights = weights[tile * inputs..].iter().zip(&values[record]);
                let sum = weights.map(|(weight, &value)| f64::from(value) * f64::from(weight.0[column])).sum::<f64>();
                f64::from(before[row].0[column]) + sum
            };
            let expected: Vec<_> = (0..out.len()).map(|row| std::array::from_fn(|column| value(row, column))).collect();
            assert_close(&out, &expected, instructions.name());
        }
    }

    #[test]
    fn gather_steps(records in 1usize..20, inputs in 1usize..60, density in 0.0f32..1.0, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut values = vec![vec![0.0f32; records]; inputs];
        values.iter_mut().flatten().for_each(|value| if unit(&mut random) < density { *value = unit(&mut random) });
        let at_zero: Vec<f32> = (0..inputs).map(|_| unit(&mut random).round()).collect();
        let (gradients, sums) = (rows(&mut random, records), rows(&mut random, 1)[0]);
        let parameters = Parameters::new(&mut random, inputs);
        let by_record: Vec<Vec<f32>> =
            (0..records).map(|record| values.iter().map(|list| list[record]).collect()).collect();
        let mut lists = EntryLists::default();
        lists.fill_by_input(inputs, &sparse(&by_record));
        let gradient = |input: usize, column: usize| {
            let constant = f64::from(at_zero[input]) * f64::from(sums.0[column]);
            let records = values[input].iter().zip(&gradients);
            constant + records.map(|(&value, row)| f64::from(value) * f64::from(row.0[column])).sum::<f64>()
        };
        for instructions in Instructions::available() {
            parameters.check(instructions.name(), gradient, |slots| instructions.run(GatherStep {
                lists: &lists,
                at_zero: &at_zero,
                gradients: &gradients,
                sums: &sums,
                slots,
                update: &UPDATE,
            }));
        }
    }

    #[test]
    fn sums_and_updates(count in 0usize..20, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (gradient, start) = (rows(&mut random, count), rows(&mut random, 1)[0]);
        let scalars: Vec<f32> = (0..count).map(|_| unit(&mut random).round() * 0.7).collect();
        let parameters = Parameters::new(&mut random, count);
        let column = |column: usize| gradient.iter().map(move |row| f64::from(row.0[column]));
        let products = |c: usize| column(c).zip(&scalars).map(|(a, &b)| a * f64::from(b)).sum::<f64>();
        let weighted = |c: usize| f64::from(start.0[c]) + products(c);
        for instructions in Instructions::available() {
            let what = instructions.name();
            parameters.check(what, |row, column| f64::from(gradient[row].0[column]), |slots| {
                instructions.run(UpdateRows { gradient: &gradient, slots, update: &UPDATE });
            });
            let (mut sums, mut out) = (Row::ZERO, Row::ZERO);
            instructions.run(ColumnSums { rows: &gradient, sums: &mut sums });
            assert_close(&[sums], &[std::array::from_fn(|c| column(c).sum())], what);
            instructions.run(WeightedSum { start: &start, scalars: &scalars, rows: &gradient, out: &mut out });
            assert_close(&[out], &[std::array::from_fn(weighted)], what);
        }
    }
}
