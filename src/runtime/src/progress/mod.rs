//! Progress of a long-running stage, as its caller receives it. The library itself prints nothing.

/// Listens to a stage. Called from worker threads, a few times a second at most per worker.
pub trait Progress: Sync {
    /// A new task begins. `total` is its size in `unit`s where it is known.
    fn begin(&self, task: &str, total: Option<u64>, unit: Unit);
    /// `amount` more of the task is done.
    fn advance(&self, amount: u64);
    /// A short remark on how it goes, for example the current loss.
    fn remark(&self, text: &str);
    /// Something to be kept, unlike a remark: a line of its own.
    fn note(&self, _text: &str) {}
    /// Something about the input that may not be meant so. It does not stop the stage.
    fn warn(&self, _text: &str) {}
    /// The task is done.
    fn end(&self);
    /// Whether whoever started the stage wants it to stop. A stage that asks stops soon after it is set, with an
    /// error that says how to go on; one that can be started again where it stopped asks every second or so.
    fn stop_requested(&self) -> bool {
        false
    }
}

/// What a task's size is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Records.
    Records,
    /// Bytes.
    Bytes,
    /// Anything else: partitions, steps, tokens.
    Items,
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _task: &str, _total: Option<u64>, _unit: Unit) {}
    fn advance(&self, _amount: u64) {}
    fn remark(&self, _text: &str) {}
    fn end(&self) {}
}
