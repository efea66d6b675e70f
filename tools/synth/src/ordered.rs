//! Blocks made in parallel and consumed in order.

use std::sync::mpsc::sync_channel;
use std::thread;

/// Makes items 0 to `count − 1` in `threads` threads and hands them to `consume` in this order, on the calling thread.
///
/// A thread makes every `threads`-th item and is at most two items ahead of `consume`. The first error ends all.
pub(crate) fn in_order<T: Send, E>(
    count: u64,
    threads: usize,
    make: impl Fn(u64) -> T + Sync,
    mut consume: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let make = &make;
    thread::scope(|scope| {
        let receivers: Vec<_> = (0..threads as u64)
            .map(|first| {
                let (sender, receiver) = sync_channel(1);
                scope.spawn(move || {
                    // Sending fails once `consume` has failed and the receivers are gone.
                    (first..count).step_by(threads).all(|item| sender.send(make(item)).is_ok())
                });
                receiver
            })
            .collect();
        for item in 0..count {
            // Receiving fails only after a panic in `make`, which ends the scope with a panic of its own.
            let Ok(made) = receivers[(item % threads as u64) as usize].recv() else { break };
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
        for threads in [1, 2, 5] {
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
