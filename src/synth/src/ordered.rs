//! Makes blocks in parallel and consumes them in order.

use std::sync::mpsc::{channel, sync_channel};
use std::thread::{self, Builder};

/// Makes items 0 to `count − 1` in `threads` threads and hands them to `consume` in this order, on the calling thread.
///
/// A thread makes every `threads`-th item and is at most two items ahead of `consume`. The first error ends everything.
/// If the system refuses some of the threads, the others do the work; if it refuses all, the calling thread does.
pub(crate) fn in_order<T: Send, E>(
    count: u64,
    threads: usize,
    make: impl Fn(u64) -> T + Sync,
    mut consume: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let make = &make;
    thread::scope(|scope| {
        let start = |first: u64| {
            // How many threads there are is known only when the last one has started.
            let (thread_count, started) = channel::<usize>();
            let (sender, receiver) = sync_channel(1);
            let run = move || {
                let threads = started.recv().unwrap_or(usize::MAX);
                // Sending fails once `consume` has failed and the receivers are gone.
                (first..count).step_by(threads).all(|item| sender.send(make(item)).is_ok())
            };
            Builder::new().spawn_scoped(scope, run).ok().map(|_| (thread_count, receiver))
        };
        let workers: Vec<_> = (0..threads as u64).map_while(start).collect();
        for (thread_count, _) in &workers {
            // Sending fails only if the thread has panicked, which makes the scope panic.
            let _ = thread_count.send(workers.len());
        }
        for item in 0..count {
            let made = match workers.get((item % workers.len().max(1) as u64) as usize) {
                Some((_, receiver)) => receiver.recv(),
                None => Ok(make(item)),
            };
            // Receiving fails only after a panic in `make`.
            let Ok(made) = made else { break };
            consume(made)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_errors_end_it() {
        for threads in [0, 1, 2, 5] {
            let mut items = Vec::new();
            let outcome = in_order(
                100,
                threads,
                |item| item * 2,
                |item| {
                    items.push(item);
                    if item == 120 { Err("full") } else { Ok(()) }
                },
            );
            assert_eq!(outcome, Err("full"));
            assert_eq!(items, (0..=60).map(|item| item * 2).collect::<Vec<_>>());
        }
    }
}
