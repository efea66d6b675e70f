//! Tokens have codes, by EMDE from token vectors or by a hash of their ids; a tweet's codes become its sketch.
//!
//! * [`Scaler`], [`Projection`], [`encode`] — from token vectors `[tokens, dimensions]` to a code per depth and token;
//! * [`TokenCodes`] — the codes in memory and as `codes.skim`, and the tweet sketch made of them;
//! * [`TokenCodes::hashed`] — codes of a vocabulary without any token vectors;
//! * [`TextMode`] — which of these a network sees, or none;
//! * [`Quality`] — how well the codes spread and how much they say about the vectors' similarity.
//!
//! Making codes from vectors is the feature `coder`: who only sketches tweets does without it.
//!
//! Source: Dąbrowski et al., "An efficient manifold density estimator for all recommendation systems" (EMDE), as the
//! published solution uses it.

#[cfg(feature = "coder")]
mod coder;
mod codes;
mod error;
mod file;
#[cfg(test)]
mod golden;
mod hashed;
mod shape;
mod text;

#[cfg(feature = "coder")]
pub use coder::{DepthSpread, Encoded, Projection, Quality, Scaler, SharedCodes, encode};
pub use codes::TokenCodes;
pub use error::SketchError;
pub use file::CodesFileError;
pub use shape::{BITS, SketchShape};
pub use text::TextMode;
