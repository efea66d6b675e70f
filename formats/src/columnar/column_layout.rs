//! COLUMN: what a chunk's description says before its first node.

use super::chunk::{ChunkReader, ChunkWriter};
use super::error::Damage;

const FLAT: u8 = 0;
const LIST: u8 = 1;
const KEYED: u8 = 2;
const RELATIVE: u8 = 3;

/// How a column is made of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnLayout {
    /// The node of the values.
    Flat,
    /// The nodes of the lists' lengths and of their items.
    List,
    /// The node that says which rows are stored, and a column of these.
    Keyed {
        /// The field whose ids the rows are keyed by.
        key: usize,
        /// Number of stored rows.
        kept: usize,
    },
    /// The node of the distances.
    Relative {
        /// The field that the values are near to.
        reference: usize,
    },
}

impl ColumnLayout {
    pub(super) fn write(self, chunk: &mut ChunkWriter) {
        match self {
            Self::Flat => chunk.tag(FLAT),
            Self::List => chunk.tag(LIST),
            Self::Keyed { key, kept } => {
                chunk.tag(KEYED);
                chunk.field(key);
                chunk.count(kept);
            }
            Self::Relative { reference } => {
                chunk.tag(RELATIVE);
                chunk.field(reference);
            }
        }
    }

    pub(super) fn read(chunk: &mut ChunkReader<'_>) -> Result<Self, Damage> {
        match chunk.tag()? {
            FLAT => Ok(Self::Flat),
            LIST => Ok(Self::List),
            KEYED => Ok(Self::Keyed { key: chunk.field()?, kept: chunk.count()? }),
            RELATIVE => Ok(Self::Relative { reference: chunk.field()? }),
            tag => Err(chunk.damage(format!("unknown column encoding {tag}"))),
        }
    }
}
