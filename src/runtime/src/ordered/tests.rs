use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn threads(threads: usize) -> NonZeroUsize {
    NonZeroUsize::new(threads).unwrap()
}

/// Short waits that differ from item to item, so that workers overtake each other.
fn dawdle(item: u64) {
    thread::sleep(Duration::from_micros(item.wrapping_mul(0x9E37_79B9) % 300));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_number_of_threads_does_not_show(
        items in 0..80u64,
        bad_source in prop::collection::vec(0..100u64, 0..2),
        bad_work in prop::collection::vec(0..100u64, 0..3),
        bad_sink in prop::collection::vec(0..100u64, 0..2),
    ) {
        let run = |count| {
            let mut seen = Vec::new();
            let outcome = ordered_map(
                threads(count),
                (0..items).map(|item| if bad_source.contains(&item) { Err(("source", item)) } else { Ok(item) }),
                |item| {
                    dawdle(item);
                    if bad_work.contains(&item) { Err(("work", item)) } else { Ok(item) }
                },
                |item| {
                    if bad_sink.contains(&item) {
                        return Err(("sink", item));
                    }
                    seen.push(item);
                    Ok(())
                },
            );
            (outcome, seen)
        };
        let expected = run(1);
        prop_assert!(expected.1.iter().copied().eq(0..expected.1.len() as u64));
        prop_assert_eq!(run(2), expected.clone());
        prop_assert_eq!(run(5), expected);
    }
}

#[test]
fn a_slow_item_or_sink_holds_the_source_back() {
    let (taken, through, most) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let source = (0..60u64).map(|item| {
        let ahead = taken.fetch_add(1, Ordering::SeqCst) + 1 - through.load(Ordering::SeqCst);
        most.fetch_max(ahead, Ordering::SeqCst);
        Ok::<u64, ()>(item)
    });
    let work = |item| {
        thread::sleep(Duration::from_millis(if item == 7 { 30 } else { 0 }));
        Ok(item)
    };
    ordered_map(threads(3), source, work, |item| {
        thread::sleep(Duration::from_millis(if item == 20 { 30 } else { 0 }));
        through.fetch_add(1, Ordering::SeqCst);
        Ok(())
    })
    .unwrap();
    // The sink counts an item before it leaves the window, and so may be one behind.
    assert!((4..=6).contains(&most.into_inner()));
}

#[test]
fn errors_stop_the_source() {
    let taken = AtomicUsize::new(0);
    let source = (0..1_000_000u64).map(|item| {
        taken.fetch_add(1, Ordering::SeqCst);
        Ok(item)
    });
    let outcome = ordered_map(threads(2), source, |item| if item == 3 { Err(item) } else { Ok(()) }, Ok);
    assert_eq!(outcome, Err(3));
    assert!(taken.into_inner() < 20);
}

#[test]
fn panics_go_on_in_the_caller() {
    for at in ["source", "state", "work", "sink"] {
        let panic_at = |step, item: u64| assert!(step != at || item != 4, "planned");
        let run = || {
            ordered_map_with(
                threads(2),
                (0..50u64).map(|item| {
                    panic_at("source", item);
                    Ok::<u64, ()>(item)
                }),
                || panic_at("state", 4),
                |(), item| {
                    panic_at("work", item);
                    Ok(item)
                },
                |item| {
                    panic_at("sink", item);
                    Ok(())
                },
            )
        };
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "{at}");
    }
}

#[test]
fn every_worker_keeps_its_state() {
    let mut most = 0;
    let count = |seen: &mut u64, _| {
        *seen += 1;
        Ok::<u64, ()>(*seen)
    };
    ordered_map_with(
        threads(2),
        (0..100).map(Ok),
        || 0,
        count,
        |seen| {
            most = most.max(seen);
            Ok(())
        },
    )
    .unwrap();
    assert!((50..=100).contains(&most));
}

/// Adds up its items and gives the sum to `sums` at the end.
struct Adder<'a> {
    sum: u64,
    sums: &'a Mutex<Vec<u64>>,
    fails_at_the_end: bool,
}

impl Worker<u64> for Adder<'_> {
    type Output = ();
    type Error = &'static str;

    fn work(&mut self, item: u64) -> Result<(), &'static str> {
        dawdle(item);
        self.sum += item;
        Ok(())
    }

    fn finish(self) -> Result<(), &'static str> {
        self.sums.lock().unwrap().push(self.sum);
        if self.fails_at_the_end { Err("the end") } else { Ok(()) }
    }
}

#[test]
fn workers_end_after_their_last_item() {
    for count in [1, 2, 5] {
        for in_flight in [1, 2, usize::MAX] {
            let sums = Mutex::new(Vec::new());
            let worker = || Ok(Adder { sum: 0, sums: &sums, fails_at_the_end: false });
            Ordered::new(threads(count)).in_flight(in_flight).run((0..100).map(Ok), worker, Ok).unwrap();
            let sums = sums.into_inner().unwrap();
            assert_eq!((sums.len(), sums.iter().sum::<u64>()), (count, 4950), "{in_flight} in flight");
        }
    }
}

#[test]
fn a_worker_that_fails_before_or_after_its_items_ends_the_run() {
    for count in [1, 2, 5] {
        let sums = Mutex::new(Vec::new());
        let ends = || Ok(Adder { sum: 0, sums: &sums, fails_at_the_end: true });
        assert_eq!(Ordered::new(threads(count)).run((0..20).map(Ok), ends, Ok), Err("the end"));
        let begun = AtomicUsize::new(0);
        let begins = || match begun.fetch_add(1, Ordering::SeqCst) {
            0 => Err("the beginning"),
            _ => Ok(Adder { sum: 0, sums: &sums, fails_at_the_end: false }),
        };
        let endless = (0u64..).map(Ok);
        assert_eq!(Ordered::new(threads(count)).run(endless, begins, Ok), Err("the beginning"));
        let item_fails = (0..20).map(|item| if item == 7 { Err("an item") } else { Ok(item) });
        assert_eq!(Ordered::new(threads(count)).run(item_fails, ends, Ok), Err("an item"));
    }
}

#[test]
fn a_wide_window_keeps_workers_busy_behind_a_slow_item() {
    let taken = AtomicUsize::new(0);
    let work = |item| {
        if item == 0 {
            // Waits for all others, which a window of fewer would never let in.
            while taken.load(Ordering::SeqCst) < 99 {
                thread::yield_now();
            }
        } else {
            taken.fetch_add(1, Ordering::SeqCst);
        }
        Ok::<u64, ()>(item)
    };
    struct Work<F>(F);
    impl<F: Fn(u64) -> Result<u64, ()>> Worker<u64> for Work<F> {
        type Output = u64;
        type Error = ();

        fn work(&mut self, item: u64) -> Result<u64, ()> {
            (self.0)(item)
        }
    }
    let mut seen = Vec::new();
    let sink = |item| {
        seen.push(item);
        Ok(())
    };
    Ordered::new(threads(2)).in_flight(usize::MAX).run((0..100).map(Ok), || Ok(Work(&work)), sink).unwrap();
    assert!(seen.into_iter().eq(0..100));
}
