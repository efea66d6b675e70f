//! What every stage runs on: streaming of parts larger than memory, external partitioning, files that are whole or not
//! there, the limits of the machine, progress.
//!
//! In the order of the data:
//!
//! * [`stream`]: which files are parts and what they are; their text as blocks of whole lines, mapped, unpacked or
//!   piped;
//! * [`semaphore`]: how many parts, or bytes, may be in use at a time;
//! * [`ordered`]: the one engine for work on many threads whose results come out in the order of their items;
//! * [`shuffle`]: small records partitioned by key, in memory or on disk;
//! * [`files`]: outputs that appear under their name when they are whole, and the lock of a directory;
//! * [`tensors`]: the checksum of safetensors files.
//!
//! And beside it:
//!
//! * [`machine`]: memory, processors, threads and open files that this process may use; no other module starts threads;
//! * [`progress`]: what a long computation reports, and whether it is to stop;
//! * [`prefetch`]: bringing memory into the cache before it is needed;
//! * [`identity`]: what tells one computation from another, for what it saves on its way.
//!
//! The feature `packed` (on by default) unpacks `.zst`, `.gz` and `.lzo` parts.

pub mod files;
pub mod identity;
pub mod machine;
pub mod ordered;
pub mod prefetch;
pub mod progress;
pub mod semaphore;
pub mod shuffle;
pub mod stream;
pub mod tensors;
