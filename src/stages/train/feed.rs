//! Batches built ahead of the training step.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crossbeam_channel::bounded;
use skimlog_features::input::{Batch, Example, InputBuilder, TweetSketch};
use skimlog_runtime::machine;

use super::buckets::Buckets;
use super::error::TrainError;

/// Batches that may wait for the step.
const AHEAD: usize = 4;

/// Calls `step` with a session's batches, of these sizes, while a second thread builds the next ones, if there is one
/// to be had. The first `trained` batches are passed over.
pub(super) fn feed<S: TweetSketch + Sync>(
    buckets: &Buckets<'_>,
    session: usize,
    sizes: impl Iterator<Item = usize> + Send,
    trained: usize,
    builder: &InputBuilder<S>,
    mut step: impl FnMut(&Batch) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let (to_step, built) = bounded::<Batch>(AHEAD);
    // Batches come back this way, so that their memory is used again.
    let (give_back, used) = bounded::<Batch>(AHEAD + 2);
    // A thread that is refused takes nothing with it.
    let sizes = Mutex::new(sizes);
    let feed = |hand_on: &mut dyn FnMut(Batch) -> Result<Batch, TrainError>| {
        let mut sizes = sizes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut passed_over: usize = sizes.by_ref().take(trained).sum();
        build(&mut *sizes, builder, hand_on, |visit| {
            buckets.take(session, |example| match passed_over {
                0 => visit(example),
                _ => {
                    passed_over -= 1;
                    Ok(())
                }
            })
        })
    };
    let feed = &feed;
    let fed = thread::scope(|scope| {
        let feeder = machine::spawn_scoped(scope, move || {
            feed(&mut |batch| {
                to_step.send(batch).map_err(|_| TrainError::Stopped)?;
                Ok(used.try_recv().unwrap_or_default())
            })
        });
        let feeder = feeder.ok()?;
        let stepped = built.iter().try_for_each(|batch| {
            step(&batch)?;
            // The room suffices for all batches there are; a batch that is lost costs an allocation.
            let _ = give_back.try_send(batch);
            Ok(())
        });
        // The feeder ends as soon as nobody listens any more.
        drop(built);
        let fed = feeder.join().unwrap_or_else(|panic| resume_unwind(panic));
        Some(stepped.and(fed))
    });
    fed.unwrap_or_else(|| feed(&mut |batch| step(&batch).map(|()| batch)))
}

/// Builds batches of these sizes and hands each on, for one to use in its place.
fn build<S: TweetSketch>(
    mut sizes: impl Iterator<Item = usize>,
    builder: &InputBuilder<S>,
    hand_on: &mut dyn FnMut(Batch) -> Result<Batch, TrainError>,
    examples: impl FnOnce(&mut dyn FnMut(&Example) -> Result<(), TrainError>) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let mut size = sizes.next();
    let mut batch = Batch::default();
    batch.clear();
    let fed = examples(&mut |example| {
        builder.push(example, &mut batch);
        if Some(batch.rows) == size {
            batch = hand_on(std::mem::take(&mut batch))?;
            batch.clear();
            size = sizes.next();
        }
        Ok(())
    });
    match fed {
        // The step failed and has the error to report.
        Err(TrainError::Stopped) => Ok(()),
        other => other,
    }
}
