//! A trained model, for the command, for Python and for other programs.
//!
//! * [`bundle`]: the model folder, everything that prediction needs;
//! * [`predict`]: probabilities of records, one batch at a time or from a pipe.

pub mod bundle;
pub mod predict;
