//! Worker threads, or the calling thread if the system refuses to start one.
//!
//! The system may refuse a thread at any time: because of `ulimit -u`, of the control group, or of missing address
//! space. No result depends on the number of threads, so the existing threads then do the work.

use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Threads that were asked for and not given.
static REFUSED: AtomicUsize = AtomicUsize::new(0);
/// Whether the calling thread of the whole program has to do everything.
static ALONE: AtomicBool = AtomicBool::new(false);

/// How many threads the system refused so far.
pub fn refused_threads() -> usize {
    REFUSED.load(Ordering::Relaxed)
}

/// Starts no thread from now on, as if the system gave none.
pub fn go_alone() {
    ALONE.store(true, Ordering::Relaxed);
}

fn noted<T>(started: io::Result<T>) -> io::Result<T> {
    started.inspect_err(|_| {
        REFUSED.fetch_add(1, Ordering::Relaxed);
    })
}

fn allowed() -> io::Result<()> {
    match ALONE.load(Ordering::Relaxed) {
        true => Err(io::Error::new(io::ErrorKind::WouldBlock, "no thread to be had")),
        false => Ok(()),
    }
}

/// Starts a thread of a scope.
///
/// # Errors
/// What the system says if it gives no thread. `work` is then gone: keep what must not be lost outside.
pub fn spawn_scoped<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    noted(allowed().and_then(|()| Builder::new().spawn_scoped(scope, work)))
}

/// Work under way beside the caller's, or done already.
#[derive(Debug)]
pub enum Running<'scope, T> {
    /// On a thread of its own.
    Beside(JoinHandle<T>),
    /// On a thread of a scope.
    Within(ScopedJoinHandle<'scope, T>),
    /// There was no thread to be had.
    Done(T),
}

impl<T> Running<'_, T> {
    /// Waits for the end of the work. A panic in it goes on here.
    pub fn join(self) -> T {
        match self {
            Self::Beside(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Self::Within(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Self::Done(result) => result,
        }
    }
}

/// Does `work` on a thread of its own, or here and now if there is none to be had.
pub fn run_beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Running<'static, T> {
    // A refused thread takes what it was given with it: the work stays outside until the thread fetches it.
    let kept = Arc::new(Mutex::new(Some(work)));
    let fetched = Arc::clone(&kept);
    match noted(allowed().and_then(|()| Builder::new().spawn(move || run_kept(&fetched)))) {
        Ok(thread) => Running::Beside(thread),
        Err(_) => Running::Done(run_kept(&kept)),
    }
}

/// [`run_beside`] on a thread of a scope.
pub fn run_within<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Running<'scope, T> {
    let kept = Arc::new(Mutex::new(Some(work)));
    let fetched = Arc::clone(&kept);
    match spawn_scoped(scope, move || run_kept(&fetched)) {
        Ok(thread) => Running::Within(thread),
        Err(_) => Running::Done(run_kept(&kept)),
    }
}

/// Does work that nobody has fetched yet.
fn run_kept<T>(kept: &Mutex<Option<impl FnOnce() -> T>>) -> T {
    let work = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
    work.expect("work is fetched once: by its thread, or by who could not start one")()
}

/// Threads for parallel loops: a rayon pool of so many, or of as many as there are to be had.
#[derive(Debug)]
pub struct Workers(Option<ThreadPool>);

impl Workers {
    /// A pool of `threads` threads, or fewer. Where there is none to be had, parallel loops run on the calling thread.
    pub fn new(threads: usize) -> Self {
        Self(build(threads, |builder, crew| match crew {
            Some(mut crew) => builder.spawn_handler(move |thread| crew.take(thread)).build(),
            None => builder.use_current_thread().build(),
        }))
    }

    /// Runs `work` with parallel loops in it on these threads.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

/// Starts the threads that parallel loops outside of [`Workers`] run on, once in the life of the program: so many, or
/// as many as there are to be had. Should there be none, nothing else starts a thread either.
///
/// Without this, rayon starts them at the first loop, and panics where it cannot.
pub fn start_workers(threads: usize) {
    let built = build(threads, |builder, crew| match crew {
        Some(mut crew) => builder.spawn_handler(move |thread| crew.take(thread)).build_global(),
        None => {
            // Other threads would wait for loops that this one, busy or waiting for them, never gets to.
            go_alone();
            builder.use_current_thread().build_global()
        }
    });
    // `None`: they were started before.
    let _ = built;
}

/// Builds a pool on threads that are there already: rayon gives up as a whole if one of them cannot be started.
fn build<P>(
    threads: usize,
    build: impl FnOnce(ThreadPoolBuilder, Option<Crew>) -> Result<P, ThreadPoolBuildError>,
) -> Option<P> {
    let crew = Crew::hire(threads.max(1));
    let builder = ThreadPoolBuilder::new().num_threads(crew.0.len().max(1));
    build(builder, Some(crew).filter(|crew| !crew.0.is_empty())).ok()
}

/// Threads that wait for their work; dropped, they end.
struct Crew(Vec<Sender<ThreadBuilder>>);

impl Crew {
    fn hire(threads: usize) -> Self {
        let hired = std::iter::repeat_with(|| {
            let (sender, work): (_, Receiver<ThreadBuilder>) = channel();
            let run = move || {
                if let Ok(thread) = work.recv() {
                    thread.run();
                }
            };
            noted(allowed().and_then(|()| Builder::new().spawn(run))).map(|_| sender)
        });
        Self(hired.take(threads).map_while(Result::ok).collect())
    }

    fn take(&mut self, thread: ThreadBuilder) -> io::Result<()> {
        let free = self.0.pop().ok_or_else(|| io::Error::other("the pool asks for more threads than there are"))?;
        free.send(thread).map_err(|_| io::Error::other("a thread ended before it was used"))
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn workers_are_as_many_as_asked_for() {
        let workers = Workers::new(3);
        let sum: u64 = workers.install(|| (0..10_000u64).into_par_iter().sum());
        assert_eq!((workers.install(rayon::current_num_threads), sum), (3, 49_995_000));
    }

    #[test]
    fn work_beside_gives_its_result_and_its_panic() {
        assert_eq!(run_beside(|| 6 * 7).join(), 42);
        let panicked = std::panic::catch_unwind(|| run_beside(|| -> u8 { panic!("inside") }).join());
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"inside"));
    }
}
