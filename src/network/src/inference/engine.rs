//! Computes the logits of a batch.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use skimlog_features::input::Batch;
use skimlog_formats::PerReaction;

use super::Precision;
use super::layout::PackedLayout;
use super::lists::Lists;
use crate::kernels::{
    Activate, Activated, Activation, Bytes, Dense, DotInstructions, FloatPairs, Floats, GatherPairs, Gathered,
    HalfPairs, Halves, Narrowed, Skip, Sums, TASK_TILES, TableSums, Words,
};
use crate::loss::by_reaction;
use crate::tiles::{Region, Row};

/// Records that go through the hidden layers together: their activations stay in the second-level cache.
pub(super) const TOGETHER: usize = 64;

/// What the layers compute for at most [`TOGETHER`] records, tile after tile, in each a row a record.
pub(super) enum Seen<'a> {
    /// `h1` before its normalisation, then the projection.
    First(&'a [Row]),
    /// What hidden layer 0, 1 or 2 gives, rectified.
    Hidden(usize, &'a [Row]),
    /// The logits.
    Output(&'a [Row]),
}

/// Time spent so far in each part of inference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InferenceTimes {
    /// Listing the inputs that are not zero.
    pub lists: Duration,
    /// The first layer.
    pub first: Duration,
    /// The hidden layers and the output layer.
    pub hidden: Duration,
}

/// Everything inference needs in addition to the packed network.
pub(super) struct Engine {
    times: InferenceTimes,
    layout: PackedLayout,
    instructions: DotInstructions,
    /// Whether the calling thread does everything.
    alone: bool,
    lists: AnyLists,
    /// `l1(x)`, later rectified, in the first half of the tiles, the projection in the second.
    first: Vec<Row>,
    /// What a layer gives, where it is to be seen.
    sums: Vec<Row>,
    /// Inputs of a layer and of the next one, as words.
    words: [Vec<Row>; 2],
    logits: Vec<Row>,
    zeros: Vec<Row>,
}

enum AnyLists {
    Floats(Lists<FloatPairs>),
    Halves(Lists<HalfPairs>),
}

impl Engine {
    pub(super) fn new(layout: PackedLayout, instructions: DotInstructions, alone: bool) -> Self {
        let lists = match layout.precision {
            Precision::F32 => AnyLists::Floats(Lists::default()),
            Precision::Bf16 | Precision::Int8 => AnyLists::Halves(Lists::default()),
        };
        let zeros = vec![Row::ZERO; layout.shape.tiles()];
        let (first, sums, words, logits) = Default::default();
        let times = InferenceTimes::default();
        Self { times, layout, instructions, alone, lists, first, sums, words, logits, zeros }
    }

    pub(super) fn times(&self) -> InferenceTimes {
        self.times
    }

    pub(super) fn instructions(&self) -> DotInstructions {
        self.instructions
    }

    pub(super) fn layout(&self) -> &PackedLayout {
        &self.layout
    }

    /// Appends the logits of a batch that fits the shape; shows `see` what the layers give, every [`TOGETHER`] records.
    pub(super) fn run(
        &mut self,
        rows: &[Row],
        batch: &Batch,
        mut see: Option<&mut dyn FnMut(Seen<'_>)>,
        out: &mut Vec<PerReaction<f32>>,
    ) {
        let (shape, records) = (self.layout.shape, batch.rows);
        if records == 0 {
            return;
        }
        self.first.resize(2 * shape.tiles() * records, Row::ZERO);
        self.logits.resize(records, Row::ZERO);
        let mut lists = std::mem::replace(&mut self.lists, AnyLists::Floats(Lists::default()));
        match &mut lists {
            AnyLists::Floats(lists) => self.first_layer(rows, batch, lists),
            AnyLists::Halves(lists) => self.first_layer(rows, batch, lists),
        }
        self.lists = lists;
        let begun = Instant::now();
        for begin in (0..records).step_by(TOGETHER) {
            let slice = Slice { begin, records, together: TOGETHER.min(records - begin) };
            match self.layout.precision {
                Precision::F32 => self.hidden_layers::<Floats, Floats>(rows, slice, &mut see),
                Precision::Bf16 => self.hidden_layers::<Halves, Halves>(rows, slice, &mut see),
                Precision::Int8 => self.hidden_layers::<Bytes, Halves>(rows, slice, &mut see),
            }
        }
        self.times.hidden += begun.elapsed();
        if let Some(see) = see {
            see(Seen::Output(&self.logits));
        }
        out.extend(by_reaction(&self.logits));
    }

    fn first_layer<G: Gathered>(&mut self, rows: &[Row], batch: &Batch, lists: &mut Lists<G>) {
        let Self { times, layout, instructions, alone, first, .. } = self;
        let records = batch.rows;
        let begun = Instant::now();
        lists.fill(batch, layout.shape);
        times.lists += begun.elapsed();
        let begun = Instant::now();
        let stripe_rows = layout.first.rows;
        let weights = &rows[layout.first.range()];
        each(*alone, first, 2 * records, |stripe, out| {
            let at = |stripe: usize| weights.get(stripe * stripe_rows..)?.get(..stripe_rows);
            let (tables, weights) = at(stripe).expect("a stripe of every two tiles").split_at(layout.table_rows);
            instructions.run(TableSums { tables, ids: &lists.ids, out });
            let next = at(stripe + 1);
            instructions.run(GatherPairs::<G> {
                lists: &lists.quads,
                weights,
                ahead: next.map_or(&[], |next| &next[..next.len().min(layout.table_rows + G::BLOCK * G::ROWS)]),
                next: next.map(|next| &next[layout.table_rows..]),
                out,
            });
        });
        times.first += begun.elapsed();
    }

    /// From the first layer's sums to the logits. `W` are the words of the first two hidden layers, `L` those of the
    /// last.
    fn hidden_layers<W: Words, L: Words>(
        &mut self,
        rows: &[Row],
        slice: Slice,
        see: &mut Option<&mut dyn FnMut(Seen<'_>)>,
    ) {
        let layout = self.layout;
        let (tiles, together) = (layout.shape.tiles(), slice.together);
        // The output layer takes floats, the others fewer rows at lower precisions.
        let [inputs, outputs] = &mut self.words;
        [&mut self.sums, inputs, outputs].into_iter().for_each(|buffer| buffer.resize(tiles * together, Row::ZERO));
        // Of the hidden layers' inputs and of the output layer's.
        let narrowing = |layer: usize| {
            let numbers = [W::NUMBERS, W::NUMBERS, L::NUMBERS, Floats::NUMBERS][layer];
            Narrowing { input: layout.hidden.get(layer).map(|layer| layer.input), numbers, tiles, together, rows }
        };
        self.activate_first(slice, narrowing(0));
        if let Some(see) = see {
            see(Seen::First(&self.first));
        }
        for number in 0..layout.hidden.len() {
            let (to, seen) = (narrowing(number + 1), see.is_some());
            match number + 1 == layout.hidden.len() {
                true => self.hidden_layer::<L>(rows, slice, number, to, seen),
                false => self.hidden_layer::<W>(rows, slice, number, to, seen),
            }
            if let Some(see) = see {
                see(Seen::Hidden(number, &self.sums));
            }
            self.words.swap(0, 1);
        }
        self.output_layer(rows, slice);
    }

    /// Activates `l1(x)` in place, and writes it as the first hidden layer's words.
    fn activate_first(&mut self, slice: Slice, to: Narrowing<'_>) {
        let Self { layout, instructions, alone, first, words: [inputs, _], .. } = self;
        let Slice { begin, records, together } = slice;
        let (chunk, h1) = (TASK_TILES * records, &mut first[..layout.shape.tiles() * records]);
        each_two(*alone, h1, chunk, &mut inputs[..to.rows()], to.task_rows(), |task, h1, words| {
            instructions.run(Activate {
                tiles: h1.len() / records,
                z: &mut h1[begin..],
                stride: records,
                records: together,
                activation: Activation {
                    integers: None,
                    skip: Skip::None,
                    skip_stride: 0,
                    narrowed: to.narrowed(task * TASK_TILES, words),
                    narrowed_stride: together,
                },
            });
        });
    }

    /// One hidden layer, from its input's words to the next layer's; keeps its activations as floats where they are
    /// `seen`.
    fn hidden_layer<W: Words>(&mut self, rows: &[Row], slice: Slice, number: usize, to: Narrowing<'_>, seen: bool) {
        let Self { layout, instructions, alone, first, sums, words: [inputs, outputs], zeros, .. } = self;
        let Slice { begin, records, together } = slice;
        let (h1, projection) = first.split_at(layout.shape.tiles() * records);
        let layer = &layout.hidden[number];
        let [weights, biases, units] = [layer.weights, layer.bias, layer.unit].map(|region| &rows[region.range()]);
        let starts = if units.is_empty() { biases } else { zeros };
        let following = layout.hidden.get(number + 1).map_or(&[][..], |layer| &rows[layer.weights.range()]);
        let chunk = TASK_TILES * together;
        each_two(*alone, sums, chunk, &mut outputs[..to.rows()], to.task_rows(), |task, sums, words| {
            let first_tile = task * TASK_TILES;
            let tiles = first_tile..first_tile + sums.len() / together;
            let weights = &weights[first_tile * layer.weights.rows..];
            let (weights, next) = weights.split_at(tiles.len() * layer.weights.rows);
            let skip = match number + 1 == layout.hidden.len() {
                true => {
                    let affine = layout.skip.map(|region| &rows[region.range()][tiles.clone()]);
                    Skip::Scaled(&h1[first_tile * records + begin..], affine)
                }
                false => Skip::Plain(&projection[first_tile * records + begin..]),
            };
            instructions.run(Dense::<W, _> {
                start: &starts[tiles.clone()],
                weights,
                next: if next.is_empty() { following } else { next },
                count: layer.weights.rows,
                inputs,
                input_stride: together,
                records: together,
                finish: Activated {
                    activation: Activation {
                        integers: (!units.is_empty()).then(|| [&units[tiles.clone()], &biases[tiles]]),
                        skip,
                        skip_stride: records,
                        narrowed: to.narrowed(first_tile, words),
                        narrowed_stride: together,
                    },
                    kept: seen.then_some(Sums { rows: sums, stride: together }),
                },
                words: PhantomData,
            });
        });
    }

    fn output_layer(&mut self, rows: &[Row], Slice { begin, together, .. }: Slice) {
        let [weights, bias] = self.layout.output;
        self.instructions.run(Dense::<Floats, _> {
            start: &rows[bias.range()],
            weights: &rows[weights.range()],
            next: &[],
            count: weights.rows,
            inputs: &self.words[0],
            input_stride: together,
            records: together,
            finish: Sums { rows: &mut self.logits[begin..begin + together], stride: together },
            words: PhantomData,
        });
    }
}

/// Records `begin..begin + together` of `records`.
#[derive(Clone, Copy)]
struct Slice {
    begin: usize,
    records: usize,
    together: usize,
}

/// How activations become a layer's words.
#[derive(Clone, Copy)]
struct Narrowing<'a> {
    /// Factors and zeros of bytes.
    input: Option<[Region; 2]>,
    /// Numbers in a word.
    numbers: usize,
    tiles: usize,
    together: usize,
    rows: &'a [Row],
}

impl Narrowing<'_> {
    /// Rows of words.
    fn rows(&self) -> usize {
        self.tiles.div_ceil(self.numbers) * self.together
    }

    /// Rows of words that a task of [`TASK_TILES`] tiles makes.
    fn task_rows(&self) -> usize {
        TASK_TILES / self.numbers * self.together
    }

    /// The destination of a task's words, by its first tile.
    fn narrowed<'w>(&'w self, first_tile: usize, words: &'w mut [Row]) -> Narrowed<'w> {
        match (self.numbers, self.input) {
            (Floats::NUMBERS, _) => Narrowed::Floats(words),
            (Bytes::NUMBERS, Some(input)) => {
                Narrowed::Bytes(words, input.map(|region| &self.rows[region.range()][first_tile..]))
            }
            _ => Narrowed::Halves(words),
        }
    }
}

/// Calls `task` with chunks of `rows`, on the pool's threads or, if it has but one or with `alone`, on this one.
fn each(alone: bool, rows: &mut [Row], chunk: usize, task: impl Fn(usize, &mut [Row]) + Sync) {
    match alone || rayon::current_num_threads() == 1 {
        true => rows.chunks_mut(chunk).enumerate().for_each(|(number, rows)| task(number, rows)),
        false => rows.par_chunks_mut(chunk).enumerate().for_each(|(number, rows)| task(number, rows)),
    }
}

/// [`each`] with chunks of two slices.
fn each_two(
    alone: bool,
    a: &mut [Row],
    a_chunk: usize,
    b: &mut [Row],
    b_chunk: usize,
    task: impl Fn(usize, &mut [Row], &mut [Row]) + Sync,
) {
    match alone || rayon::current_num_threads() == 1 {
        true => {
            let chunks = a.chunks_mut(a_chunk).zip(b.chunks_mut(b_chunk)).enumerate();
            chunks.for_each(|(number, (a, b))| task(number, a, b));
        }
        false => {
            let chunks = a.par_chunks_mut(a_chunk).zip(b.par_chunks_mut(b_chunk)).enumerate();
            chunks.for_each(|(number, (a, b))| task(number, a, b));
        }
    }
}
