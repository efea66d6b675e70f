//! Batches built ahead of the training step.

use std::panic::resume_unwind;
use std::thread;

use crossbeam_channel::{Sender, bounded};

use super::TrainError;
use super::buckets::Buckets;
use crate::features::{Batch, Example, InputBuilder, TweetSketch};

/// Batches that may wait for the step.
const AHEAD: usize = 4;

/// Calls `step` with a session's batches, of these sizes, while a second thread builds the next ones. The first `trained`
/// batches are passed over.
pub(super) fn feed<S: TweetSketch + Sync>(
    buckets: &Buckets<'_>,
    session: usize,
    mut sizes: impl Iterator<Item = usize> + Send,
    trained: usize,
    builder: &InputBuilder<S>,
    mut step: impl FnMut(&Batch) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let (to_step, built) = bounded::<Batch>(AHEAD);
    // Batches come back this way, so that their memory is used again.
    let (give_back, used) = bounded::<Batch>(AHEAD + 2);
    thread::scope(|scope| {
        let feeder = scope.spawn(move || {
            let next = || used.try_recv().unwrap_or_default();
            let mut passed_over: usize = sizes.by_ref().take(trained).sum();
            build(sizes, builder, &to_step, next, |visit| {
                buckets.take(session, |example| match passed_over {
                    0 => visit(example),
                    _ => {
                        passed_over -= 1;
                        Ok(())
                    }
                })
            })
        });
        let stepped = built.iter().try_for_each(|batch| {
            step(&batch)?;
            // The room suffices for all batches there are; a batch that is lost costs an allocation.
            let _ = give_back.try_send(batch);
            Ok(())
        });
        // The feeder ends as soon as nobody listens any more.
        drop(built);
        let fed = feeder.join().unwrap_or_else(|panic| resume_unwind(panic));
        stepped.and(fed)
    })
}

fn build<S: TweetSketch>(
    mut sizes: impl Iterator<Item = usize>,
    builder: &InputBuilder<S>,
    to_step: &Sender<Batch>,
    next: impl Fn() -> Batch,
    examples: impl FnOnce(&mut dyn FnMut(&Example) -> Result<(), TrainError>) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let mut size = sizes.next();
    let mut batch = next();
    batch.clear();
    let fed = examples(&mut |example| {
        builder.push(example, &mut batch);
        if Some(batch.rows) == size {
            to_step.send(std::mem::replace(&mut batch, next())).map_err(|_| TrainError::Stopped)?;
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
