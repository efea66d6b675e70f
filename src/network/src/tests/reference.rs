//! The network as the published solution defines it, in double precision, without optimisation.

use std::collections::BTreeMap;

use skimlog_features::input::{Batch, Layout};
use skimlog_formats::Reaction;

use crate::{AdamW, Network, Shape};

type Matrix = Vec<Vec<f64>>;

/// Parameters and running statistics by PyTorch's names.
#[derive(Clone)]
pub(crate) struct Reference {
    shape: Shape,
    pub(crate) tensors: BTreeMap<String, Vec<f64>>,
    first_moments: BTreeMap<String, Vec<f64>>,
    second_moments: BTreeMap<String, Vec<f64>>,
    steps: i32,
}

/// What a pass forward leaves.
struct Pass {
    x: Matrix,
    z: [Matrix; 4],
    u: [Matrix; 4],
    h: [Matrix; 4],
    logits: Matrix,
}

/// What a training step sees and gives.
pub(crate) struct Outcome {
    pub(crate) loss: f64,
    pub(crate) logits: Matrix,
    pub(crate) gradients: BTreeMap<String, Vec<f64>>,
    /// How near a rectifier's argument comes to zero, where its slope jumps.
    pub(crate) kink: f64,
}

impl Reference {
    pub(crate) fn of(network: &Network) -> Self {
        let tensor = |name: &str| network.tensor(name).unwrap().values.into_iter().map(f64::from).collect();
        let tensors = network.tensor_names().map(|name| (name.to_owned(), tensor(name))).collect();
        let (first_moments, second_moments) = (BTreeMap::new(), BTreeMap::new());
        Self { shape: network.shape(), tensors, first_moments, second_moments, steps: 0 }
    }

    fn input(&self, batch: &Batch) -> Matrix {
        let ids = |record: usize| {
            [
                ("language.weight", batch.language[record] as usize),
                ("hour.weight", batch.hour[record] as usize),
                ("day.weight", batch.day[record] as usize),
            ]
        };
        let row = |record: usize| {
            let mut row = vec![0.0; self.shape.layout.sparse()];
            let (columns, values) = batch.sparse.row(record);
            columns.iter().zip(values).for_each(|(&column, &value)| row[column as usize] = f64::from(value));
            row.extend(batch.dense[record * Layout::DENSE..][..Layout::DENSE].iter().map(|&value| f64::from(value)));
            for (name, id) in ids(record) {
                row.extend(&self.tensors[name][id * 20..(id + 1) * 20]);
            }
            row
        };
        (0..batch.rows).map(row).collect()
    }

    fn linear(&self, name: &str, input: &Matrix) -> Matrix {
        let (weight, bias) = (&self.tensors[&format!("{name}.weight")], &self.tensors[&format!("{name}.bias")]);
        let output = |row: &Vec<f64>, out: usize| {
            let weights = &weight[out * row.len()..(out + 1) * row.len()];
            bias[out] + row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>()
        };
        input.iter().map(|row| (0..bias.len()).map(|out| output(row, out)).collect()).collect()
    }

    /// Mean and biased variance of every column, or the running ones.
    fn statistics(&self, number: usize, u: &Matrix, training: bool) -> (Vec<f64>, Vec<f64>) {
        if !training {
            let running = |what| self.tensors[&format!("bn{number}.running_{what}")].clone();
            return (running("mean"), running("var"));
        }
        let rows = u.len() as f64;
        let column = |column: usize| u.iter().map(move |row| row[column]);
        let means: Vec<f64> = (0..u[0].len()).map(|c| column(c).sum::<f64>() / rows).collect();
        let variances =
            means.iter().enumerate().map(|(c, mean)| column(c).map(|v| (v - mean).powi(2)).sum::<f64>() / rows);
        let variances = variances.collect();
        (means, variances)
    }

    fn norm(&mut self, number: usize, u: &Matrix, training: bool) -> Matrix {
        let (means, variances) = self.statistics(number, u, training);
        if training {
            let rows = u.len() as f64;
            for (what, values, correction) in [("mean", &means, 1.0), ("var", &variances, rows / (rows - 1.0))] {
                let running = self.tensors.get_mut(&format!("bn{number}.running_{what}")).unwrap();
                running.iter_mut().zip(values).for_each(|(old, new)| *old = 0.9 * *old + 0.1 * correction * new);
            }
        }
        let (weight, bias) = (&self.tensors[&format!("bn{number}.weight")], &self.tensors[&format!("bn{number}.bias")]);
        let value = |row: &Vec<f64>, c: usize| (row[c] - means[c]) / (variances[c] + 1e-5).sqrt() * weight[c] + bias[c];
        u.iter().map(|row| (0..row.len()).map(|c| value(row, c)).collect()).collect()
    }

    fn pass(&mut self, batch: &Batch, training: bool) -> Pass {
        let x = self.input(batch);
        let p = self.linear("projection", &x);
        let z1 = self.linear("l1", &x);
        let u1 = leaky(&z1);
        let h1 = self.norm(1, &u1, training);
        let z2 = sum(&self.linear("l2", &h1), &p);
        let u2 = leaky(&z2);
        let h2 = self.norm(2, &u2, training);
        let z3 = sum(&self.linear("l3", &h2), &p);
        let u3 = leaky(&z3);
        let h3 = self.norm(3, &u3, training);
        let z4 = sum(&self.linear("l4", &h3), &h1);
        let u4 = leaky(&z4);
        let h4 = self.norm(4, &u4, training);
        let logits = self.linear("l_output", &h4);
        Pass { x, z: [z1, z2, z3, z4], u: [u1, u2, u3, u4], h: [h1, h2, h3, h4], logits }
    }

    /// Logits in evaluation mode, in the network's order.
    pub(crate) fn evaluate(&self, batch: &Batch) -> Matrix {
        self.clone().pass(batch, false).logits
    }

    /// Loss in training mode.
    pub(crate) fn loss(&self, batch: &Batch) -> f64 {
        loss(&self.clone().pass(batch, true).logits, batch)
    }

    /// One pass forward and back; only the running statistics change.
    pub(crate) fn backward(&mut self, batch: &Batch) -> Outcome {
        let Pass { x, z, u, h, logits } = self.pass(batch, true);
        let [h1, h2, h3, h4] = &h;
        let mut gradients = BTreeMap::new();
        let share = 1.0 / (4 * batch.rows) as f64;
        let by_logit = logits.iter().zip(&batch.labels).map(|(logits, labels)| {
            let labels = labels.in_order(Reaction::NETWORK_ORDER);
            logits.iter().zip(labels).map(|(logit, y)| (1.0 / (1.0 + (-logit).exp()) - f64::from(y)) * share).collect()
        });
        let dh4 = self.linear_back("l_output", h4, &by_logit.collect(), &mut gradients);
        let dz4 = leaky_back(&z[3], &self.norm_back(4, &u[3], &dh4, &mut gradients));
        let dh3 = self.linear_back("l4", h3, &dz4, &mut gradients);
        let dz3 = leaky_back(&z[2], &self.norm_back(3, &u[2], &dh3, &mut gradients));
        let dh2 = self.linear_back("l3", h2, &dz3, &mut gradients);
        let dz2 = leaky_back(&z[1], &self.norm_back(2, &u[1], &dh2, &mut gradients));
        let dh1 = sum(&self.linear_back("l2", h1, &dz2, &mut gradients), &dz4);
        let dz1 = leaky_back(&z[0], &self.norm_back(1, &u[0], &dh1, &mut gradients));
        let through_l1 = self.linear_back("l1", &x, &dz1, &mut gradients);
        let dx = sum(&through_l1, &self.linear_back("projection", &x, &sum(&dz2, &dz3), &mut gradients));

        let start = self.shape.layout.dense_range().end;
        let (hours, days) = (batch.hour.iter().map(|&id| id as usize), batch.day.iter().map(|&id| id as usize));
        let languages = batch.language.iter().map(|&id| id as usize).collect();
        let tables = [("language", languages), ("hour", hours.collect()), ("day", days.collect::<Vec<_>>())];
        for (number, (table, ids)) in tables.into_iter().enumerate() {
            let name = format!("{table}.weight");
            let mut gradient = vec![0.0; self.tensors[&name].len()];
            for (dx, id) in dx.iter().zip(ids) {
                for dimension in 0..20 {
                    gradient[id * 20 + dimension] += dx[start + number * 20 + dimension];
                }
            }
            gradients.insert(name, gradient);
        }
        let kink = z.iter().flatten().flatten().fold(f64::INFINITY, |kink, z| kink.min(z.abs()));
        Outcome { loss: loss(&logits, batch), logits, gradients, kink }
    }

    fn linear_back(&self, name: &str, input: &Matrix, out: &Matrix, all: &mut BTreeMap<String, Vec<f64>>) -> Matrix {
        let (inputs, outputs) = (input[0].len(), out[0].len());
        let name_of = |what| format!("{name}.{what}");
        let weight = &self.tensors[&name_of("weight")];
        let mut weight_gradient = vec![0.0; inputs * outputs];
        let mut bias_gradient = vec![0.0; outputs];
        let mut input_gradient = vec![vec![0.0; inputs]; input.len()];
        for ((input, out), input_gradient) in input.iter().zip(out).zip(&mut input_gradient) {
            for (o, gradient) in out.iter().enumerate() {
                bias_gradient[o] += gradient;
                for i in 0..inputs {
                    weight_gradient[o * inputs + i] += gradient * input[i];
                    input_gradient[i] += gradient * weight[o * inputs + i];
                }
            }
        }
        all.insert(name_of("weight"), weight_gradient);
        all.insert(name_of("bias"), bias_gradient);
        input_gradient
    }

    fn norm_back(&self, number: usize, u: &Matrix, out: &Matrix, all: &mut BTreeMap<String, Vec<f64>>) -> Matrix {
        let (means, variances) = self.statistics(number, u, true);
        let (rows, columns) = (u.len(), u[0].len());
        let weight = &self.tensors[&format!("bn{number}.weight")];
        let mut input_gradient = vec![vec![0.0; columns]; rows];
        let (mut weight_gradient, mut bias_gradient) = (vec![0.0; columns], vec![0.0; columns]);
        for c in 0..columns {
            let deviation = (variances[c] + 1e-5).sqrt();
            let normal = |row: usize| (u[row][c] - means[c]) / deviation;
            bias_gradient[c] = (0..rows).map(|row| out[row][c]).sum();
            weight_gradient[c] = (0..rows).map(|row| out[row][c] * normal(row)).sum();
            for row in 0..rows {
                let mean_part = (bias_gradient[c] + normal(row) * weight_gradient[c]) / rows as f64;
                input_gradient[row][c] = weight[c] / deviation * (out[row][c] - mean_part);
            }
        }
        all.insert(format!("bn{number}.weight"), weight_gradient);
        all.insert(format!("bn{number}.bias"), bias_gradient);
        input_gradient
    }

    /// One training step.
    pub(crate) fn step(&mut self, batch: &Batch, settings: &AdamW, learning_rate: f64) -> Outcome {
        let outcome = self.backward(batch);
        self.steps += 1;
        let AdamW { beta1, beta2, .. } = *settings;
        let corrections = (1.0 - beta1.powi(self.steps), 1.0 - beta2.powi(self.steps));
        for (name, gradient) in &outcome.gradients {
            let zeros = || vec![0.0; gradient.len()];
            let first = self.first_moments.entry(name.clone()).or_insert_with(zeros);
            let second = self.second_moments.entry(name.clone()).or_insert_with(zeros);
            let weights = self.tensors.get_mut(name).unwrap();
            for (((weight, g), m), v) in weights.iter_mut().zip(gradient).zip(first).zip(second) {
                *weight -= learning_rate * settings.weight_decay * *weight;
                *m = beta1 * *m + (1.0 - beta1) * g;
                *v = beta2 * *v + (1.0 - beta2) * g * g;
                let root = (*v / corrections.1).sqrt() + settings.epsilon;
                *weight -= learning_rate * (*m / corrections.0) / root;
            }
        }
        outcome
    }
}

fn leaky(z: &Matrix) -> Matrix {
    z.iter().map(|row| row.iter().map(|&z| if z > 0.0 { z } else { 0.01 * z }).collect()).collect()
}

fn leaky_back(z: &Matrix, out: &Matrix) -> Matrix {
    let row = |(z, out): (&Vec<f64>, &Vec<f64>)| {
        z.iter().zip(out).map(|(&z, &out)| if z > 0.0 { out } else { 0.01 * out }).collect()
    };
    z.iter().zip(out).map(row).collect()
}

fn sum(a: &Matrix, b: &Matrix) -> Matrix {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

fn loss(logits: &Matrix, batch: &Batch) -> f64 {
    let mut sum = 0.0;
    for (logits, labels) in logits.iter().zip(&batch.labels) {
        for (logit, label) in logits.iter().zip(labels.in_order(Reaction::NETWORK_ORDER)) {
            let probability = 1.0 / (1.0 + (-logit).exp());
            let label = f64::from(label);
            sum -= label * probability.ln() + (1.0 - label) * (1.0 - probability).ln();
        }
    }
    sum / (4 * batch.rows) as f64
}
