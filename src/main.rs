//! skimmer
fn main() {}
