//! Why token vectors or codes were refused.

use thiserror::Error;

/// Why token vectors cannot be coded.
#[derive(Debug, Error)]
pub enum SketchError {
    /// A sketch of a size that codes cannot have.
    #[error("a sketch of depth {depth} and width {width}: the depth must be 1 to 1,024 and the width 1 to 65,536")]
    Shape {
        /// Rows asked for.
        depth: usize,
        /// Numbers a row asked for.
        width: usize,
    },
    /// No token at all, or vectors of no dimension.
    #[error("token vectors of shape [{tokens}, {dimensions}]: there must be at least one token and one dimension")]
    Empty {
        /// Number of tokens.
        tokens: usize,
        /// Number of dimensions.
        dimensions: usize,
    },
    /// A vector with a number that is not finite.
    #[error("the vector in row {row} has {value} in dimension {dimension}: token vectors must be finite numbers")]
    NotFinite {
        /// 0-based row.
        row: usize,
        /// 0-based dimension.
        dimension: usize,
        /// The number found.
        value: f64,
    },
    /// The number of token ids is not the number of vectors or codes.
    #[error("{ids} token ids for {rows} rows: each row needs one token id")]
    Rows {
        /// Number of ids.
        ids: usize,
        /// Number of rows.
        rows: usize,
    },
    /// The projection does not fit the vectors or the sketch.
    #[error("a projection from {has} dimensions to {rows}, where {needs} to {needs_rows} is needed")]
    Projection {
        /// Dimensions the projection takes.
        has: usize,
        /// Dimensions it gives.
        rows: usize,
        /// Dimensions of the vectors.
        needs: usize,
        /// Bits needed.
        needs_rows: usize,
    },
    /// A token id twice.
    #[error("token id {token} occurs twice: each token has one vector")]
    Repeated {
        /// The id.
        token: u32,
    },
    /// A token id that no vocabulary reaches; the table of codes is dense by id.
    #[error("token id {token} is beyond {max}, the largest that a vocabulary may have")]
    TokenTooLarge {
        /// The id.
        token: u32,
        /// The largest allowed.
        max: u32,
    },
    /// A token with more or fewer codes than the sketch is deep.
    #[error("a token has {codes} codes for a sketch of depth {depth}")]
    Depth {
        /// Codes of the token.
        codes: usize,
        /// The sketch depth.
        depth: usize,
    },
    /// A code that is not below the width.
    #[error("token {token} has code {code} at depth {depth}, beyond the sketch width {width}")]
    Code {
        /// The token id.
        token: u32,
        /// 0-based depth.
        depth: usize,
        /// The code.
        code: u16,
        /// The sketch width.
        width: usize,
    },
}
