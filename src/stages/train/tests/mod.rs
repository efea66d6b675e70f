//! A small network learns from generated examples, in the same way whatever the memory and the threads.

mod resume;

use std::collections::BTreeMap;
use std::sync::Mutex;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use skimlog_features::input::{Day, Example, InputBuilder, Layout, SparseRows, TweetSketch};
use skimlog_formats::{PerReaction, Reaction};
use skimlog_network::metrics::Scores;
use skimlog_network::{Network, Shape};
use skimlog_runtime::progress::Progress;
use skimlog_runtime::progress::{Silent, Unit};

use super::{Checkpointing, Rates, Recipe, SessionSummary, TrainError, TrainOptions, TrainSummary, Trained, train};
use crate::config::BiasInit;
use crate::pipeline::evaluate::evaluate;
use crate::pipeline::examples::{Examples, ExamplesError, Origin, Portion, Survey};

/// One column a token, without any table.
struct TokenColumns;

impl TweetSketch for TokenColumns {
    fn sketch(&self, tokens: &[u32], rows: &mut SparseRows) {
        rows.columns.extend_from_slice(tokens);
        rows.values.extend(tokens.iter().map(|_| 1.0));
        rows.offsets.push(rows.columns.len() as u32);
    }
}

/// Training records of some days, then as many validation records as there are others, every fifth a hold-out one.
struct Generated {
    survey: Survey,
    examples: Vec<(Portion, Origin, Example)>,
}

/// Likes follow a flag-like number and the first token; retweets follow the language; the others are rare.
fn generated(days: &[u64], validation: u64) -> Generated {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let (mut survey, mut examples) = (Survey::default(), Vec::new());
    let mut example = || {
        let token = random.random_range(0..16);
        let language = random.random_range(0..4);
        let fond = random.random_range(0..2);
        let mut example = Example { language, tokens: vec![token, 16 + token], ..Example::default() };
        example.numbers[8] = f64::from(fond) * 3.0;
        example.numbers[skimlog_features::input::Scalar::AuthorFollowers.number()] =
            random.random_range(0.0f64..1e4).floor();
        let rates = PerReaction::from_fn(|reaction| match reaction {
            Reaction::Like => [0.05, 0.3, 0.6, 0.95][(fond + u32::from(token < 8) * 2) as usize],
            Reaction::Retweet => [0.02, 0.5][usize::from(language == 2)],
            Reaction::Reply | Reaction::Quote => 0.02,
        });
        let happened = Reaction::ALL.into_iter().filter(|&reaction| random.random_bool(rates[reaction]));
        example.labels = Some(happened.collect());
        example
    };
    let mut record = 0;
    for (day, &records) in days.iter().enumerate() {
        for _ in 0..records {
            let (day, example) = (Day(18_660 + day as i64), example());
            survey.days.entry(day).or_default().add(example.labels.unwrap());
            examples.push((Portion::Training, Origin { record, day }, example));
            record += 1;
        }
    }
    for record in 0..validation {
        let portion = if record % 5 == 0 { Portion::HoldOut } else { Portion::Finetune };
        survey.finetune += u64::from(portion == Portion::Finetune);
        survey.hold_out += u64::from(portion == Portion::HoldOut);
        examples.push((portion, Origin { record, day: Day(18_690) }, example()));
    }
    Generated { survey, examples }
}

impl Examples for Generated {
    fn survey(&self) -> &Survey {
        &self.survey
    }

    fn visit<E: From<ExamplesError>>(
        &self,
        portion: Portion,
        mut visit: impl FnMut(Origin, &Example) -> Result<(), E>,
    ) -> Result<(), E> {
        let wanted = self.examples.iter().filter(|(of, ..)| *of == portion);
        wanted.into_iter().try_for_each(|(_, origin, example)| visit(*origin, example))
    }
}

const SHAPE: Shape =
    Shape { layout: Layout { sketch_depth: 2, sketch_width: 16, logarithms: false, languages: 4 }, hidden: 24 };

/// A constant learning rate that sinks a little each day.
const RATES: Rates = Rates { peak: 3e-3, decay: 0.96, warm_up: 0.0, last: 1.0 };

fn recipe() -> Recipe {
    Recipe { batch: 32, days: RATES, finetuning: RATES, ..Recipe::tuned() }
}

fn run(examples: &Generated, change: impl FnOnce(&mut TrainOptions)) -> Result<(Network, TrainSummary), TrainError> {
    let directory = tempfile::tempdir().unwrap();
    let mut options = TrainOptions::new(recipe(), directory.path().join("scratch"));
    change(&mut options);
    let outcome = train(examples, TokenColumns, SHAPE, &options, &Silent);
    assert!(!options.scratch.exists(), "the scratch directory is removed");
    outcome.map(|trained| (trained.network, trained.summary))
}

/// Everything of a summary but the speed and the interruptions.
fn numbers(summary: TrainSummary) -> TrainSummary {
    let timeless = |sessions: Vec<SessionSummary>| {
        sessions.into_iter().map(|session| SessionSummary { seconds: 0.0, ..session }).collect()
    };
    let (days, finetuning) = (timeless(summary.days), timeless(summary.finetuning));
    TrainSummary {
        records_per_second: 0.0,
        step_records_per_second: 0.0,
        whole_records_per_second: 0.0,
        resumed_at: None,
        days,
        finetuning,
        ..summary
    }
}

#[test]
fn the_network_learns_what_is_there_to_learn() {
    let examples = generated(&[3_000, 3_001, 1, 2_800], 4_000);
    let (network, summary) = run(&examples, |options| options.recipe.days.peak = 1e-3).unwrap();
    let days: Vec<(&str, u64)> = summary.days.iter().map(|day| (day.name.as_str(), day.records)).collect();
    assert_eq!(days, [("2021-02-02", 3_000), ("2021-02-03", 3_002), ("2021-02-05", 2_800)]);
    assert_eq!(summary.days[2].learning_rate, 1e-3 * 0.96f64.powi(2));
    // Constant rates cost 0.323, the true probabilities 0.216.
    assert!(summary.days[2].loss < 0.24 && summary.days[0].loss > summary.days[2].loss, "{:?}", summary.days);
    let (before, after) = (summary.before_finetuning.unwrap(), summary.after_finetuning.unwrap());
    assert_eq!((before.records, summary.finetuning[0].records), (800, 3_200));
    for report in [&before, &after] {
        assert!(report.cross_entropy < 0.24, "{report}");
        // The true probabilities have an RCE of 39 here.
        let relative = |reaction| report.overall[reaction].relative_cross_entropy.unwrap();
        assert!(relative(Reaction::Like) > 25.0 && relative(Reaction::Retweet) > 25.0, "{report}");
    }

    // Measuring the network again gives the same.
    let mut origins = Vec::new();
    let builder = InputBuilder::new(TokenColumns, SHAPE.layout);
    let again = evaluate(
        &network,
        &examples,
        Portion::HoldOut,
        &builder,
        Scores::within(1 << 20, &std::env::temp_dir()),
        &Silent,
        |origin, _| origins.push(origin),
    );
    assert_eq!(again.unwrap().unwrap(), after);
    assert!(origins.len() == 800 && origins.is_sorted_by_key(|origin| origin.record));
}

#[test]
fn settling_calibrates_and_leaves_the_weights_alone() {
    let examples = generated(&[3_000], 1_000);
    let trained = |settle_batches| {
        let (network, summary) = run(&examples, |options| {
            (options.recipe.settle_batches, options.recipe.validation_epochs) = (settle_batches, 0);
        })
        .unwrap();
        (network, summary.before_finetuning.unwrap())
    };
    let (network, report) = trained(40);
    let (unsettled, _) = trained(0);
    assert_eq!(network.tensor("l1.weight"), unsettled.tensor("l1.weight"));
    assert_ne!(network.tensor("bn1.running_mean"), unsettled.tensor("bn1.running_mean"));
    let like = report.overall[Reaction::Like];
    assert!((like.mean_prediction.unwrap() - like.rate.unwrap()).abs() < 0.08, "{report}");
}

#[test]
fn memory_and_threads_change_nothing() {
    let examples = generated(&[300, 97], 100);
    let (network, summary) = run(&examples, |options| options.recipe.validation_epochs = 2).unwrap();
    let (other, other_summary) = run(&examples, |options| {
        options.recipe.validation_epochs = 2;
        (options.threads, options.memory_budget) = (2, 50_000);
    })
    .unwrap();
    assert_eq!(summary.finetuning.len(), 2);
    assert_eq!(summary.finetuning[1].learning_rate, 0.96 * 3e-3);
    assert_eq!(numbers(summary), numbers(other_summary));
    for name in network.tensor_names() {
        assert_eq!(network.tensor(name), other.tensor(name), "{name}");
    }
    let (seeded, _) = run(&examples, |options| options.recipe.seed = 1).unwrap();
    assert_ne!(network.tensor("l2.weight"), seeded.tensor("l2.weight"));
}

#[test]
fn the_bias_starts_where_it_is_told() {
    let examples = generated(&[400], 0);
    let first_loss = |bias_init| {
        let (_, summary) =
            run(&examples, |options| (options.recipe.bias_init, options.recipe.days.peak) = (bias_init, 0.0)).unwrap();
        assert_eq!((summary.before_finetuning, summary.finetuning.len()), (None, 0));
        summary.days[0].loss
    };
    let (base_rate, zero) = (first_loss(BiasInit::BaseRate), first_loss(BiasInit::Zero));
    assert!(base_rate < 0.45 && zero > 0.6, "{base_rate} and {zero}");
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let too_few = run(&generated(&[1], 10), |_| {}).err().unwrap();
    assert!(matches!(too_few, TrainError::TooFew(1)), "{too_few}");
    let small = run(&generated(&[10], 0), |options| options.recipe.batch = 1).err().unwrap();
    assert!(matches!(small, TrainError::Batch(1)), "{small}");
    // A language that the network does not know stops the step and names the day.
    let mut foreign = generated(&[100], 0);
    foreign.examples[50].2.language = 77;
    let error = run(&foreign, |_| {}).err().unwrap().to_string();
    assert!(error.starts_with("2021-02-02, batch "), "{error}");
}

#[test]
fn every_record_is_told_to_progress_once() {
    #[derive(Default)]
    struct Sums(Mutex<BTreeMap<String, (u64, u64)>>, Mutex<String>);
    impl Progress for Sums {
        fn begin(&self, task: &str, total: Option<u64>, _unit: Unit) {
            *self.1.lock().unwrap() = task.to_owned();
            self.0.lock().unwrap().entry(task.to_owned()).or_default().0 += total.unwrap();
        }
        fn advance(&self, amount: u64) {
            self.0.lock().unwrap().entry(self.1.lock().unwrap().clone()).or_default().1 += amount;
        }
        fn remark(&self, _text: &str) {}
        fn end(&self) {}
    }
    let (sums, directory) = (Sums::default(), tempfile::tempdir().unwrap());
    let options = TrainOptions::new(recipe(), directory.path().join("scratch"));
    train(&generated(&[70, 600], 200), TokenColumns, SHAPE, &options, &sums).unwrap();
    let expected = [("evaluate", 2 * 40), ("order the records", 670 + 160), ("train", 670 + 160)];
    let expected = expected.map(|(task, records)| (task.to_owned(), (records, records)));
    assert_eq!(*sums.0.lock().unwrap(), BTreeMap::from(expected));
}
