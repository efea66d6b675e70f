//! Every kernel on every instruction set against the plain definition.

use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::*;
use crate::net::tests::unit;
use crate::net::tiles::COLUMNS;

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
    fn products(groups in 1usize..6, count in 0usize..100, slack in 0usize..5, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (rows_out, chunks) = (groups * GROUP, count.div_ceil(COLUMNS));
        let (vector_stride, scalar_stride) = (COLUMNS + slack, rows_out + slack);
        let (vectors, scalars) = (rows(&mut random, chunks * vector_stride), rows(&mut random, chunks * scalar_stride));
        let start = rows(&mut random, 1)[0];
        let expected: Vec<[f64; COLUMNS]> = (0..rows_out).map(|row| std::array::from_fn(|column| {
            f64::from(start.0[column]) + (0..count).map(|k| {
                let scalar = scalars[k / COLUMNS * scalar_stride + row].0[k % COLUMNS];
                f64::from(scalar) * f64::from(vectors[k / COLUMNS * vector_stride + k % COLUMNS].0[column])
            }).sum::<f64>()
        })).collect();
        for instructions in Instructions::available() {
            let mut out = vec![Row::ZERO; rows_out];
            let (vectors, scalars, start) = (&vectors, &scalars, &start);
            instructions.run(Product { start, vectors, vector_stride, scalars, scalar_stride, count, out: &mut out });
            assert_close(&out, &expected, instructions.name());
        }
    }

    #[test]
    fn weight_steps(groups in 1usize..9, records in 0usize..50, slack in 0usize..5, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (inputs, scalar_stride) = (groups * GROUP, records + slack);
        let vectors = rows(&mut random, records);
        let scalars = rows(&mut random, inputs.div_ceil(COLUMNS) * scalar_stride);
        let parameters = Parameters::new(&mut random, inputs);
        let gradient = |input: usize, column: usize| (0..records).map(|record| {
            let scalar = scalars[input / COLUMNS * scalar_stride + record].0[input % COLUMNS];
            f64::from(scalar) * f64::from(vectors[record].0[column])
        }).sum();
        for instructions in Instructions::available() {
            parameters.check(instructions.name(), gradient, |slots| {
                let (vectors, scalars) = (vectors.as_slice(), scalars.as_slice());
                instructions.run(WeightStep { vectors, scalars, scalar_stride, slots, update: &UPDATE });
            });
        }
    }

    #[test]
    fn gathers(records in 1usize..20, inputs in 1usize..300, density in 0.0f32..0.3, seed: u64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut values = vec![vec![0.0f32; inputs]; records];
        values.iter_mut().flatten().for_each(|value| if unit(&mut random) < density { *value = unit(&mut random) });
        let weights = rows(&mut random, GATHERED_TILES * inputs);
        let before = rows(&mut random, GATHERED_TILES * records);
        let (mut entries, mut starts) = (Vec::new(), vec![0]);
        for block in (0..inputs).step_by(INPUT_BLOCK) {
            for row in &values {
                let block = (block as u32..).zip(row[block..].iter().take(INPUT_BLOCK));
                entries.extend(block.filter(|(_, value)| **value != 0.0).map(|(at, &value)| Entry { at, value }));
                starts.push(entries.len() as u32);
            }
        }
        for instructions in Instructions::available() {
            let mut out = before.clone();
            instructions.run(Gather {
                entries: &entries,
                starts: &starts,
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
        let (mut entries, mut starts) = (Vec::new(), vec![0]);
        for list in &values {
            let list = (0u32..).zip(list).filter(|&(_, &value)| value != 0.0);
            entries.extend(list.map(|(at, &value)| Entry { at, value }));
            starts.push(entries.len() as u32);
        }
        let gradient = |input: usize, column: usize| {
            let constant = f64::from(at_zero[input]) * f64::from(sums.0[column]);
            let records = values[input].iter().zip(&gradients);
            constant + records.map(|(&value, row)| f64::from(value) * f64::from(row.0[column])).sum::<f64>()
        };
        for instructions in Instructions::available() {
            parameters.check(instructions.name(), gradient, |slots| instructions.run(GatherStep {
                entries: &entries,
                starts: &starts,
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
        let weighted = |c: usize| f64::from(start.0[c]) + column(c).zip(&scalars).map(|(a, &b)| a * f64::from(b)).sum::<f64>();
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
