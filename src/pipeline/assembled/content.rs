//! What is written of each record.

use skimlog_features::input::{InputBuilder, Languages, Layout};
use skimlog_features::sketch::TokenCodes;
use skimlog_formats::Id;

/// What is written of each record, besides its ids and labels.
#[derive(Clone, Debug)]
pub enum Content {
    /// The 73 numbers, the flags, language, hour and day.
    Features {
        /// The codes that make the tweet's sketch, if it is asked for.
        sketch: Option<TokenCodes>,
    },
    /// The input of `model.onnx`.
    NetworkInput {
        /// What makes it.
        inputs: InputBuilder<Option<TokenCodes>>,
        /// Its widths.
        layout: Layout,
    },
}

impl Content {
    /// Width of the matrix: the sketch or the network's input, if there is one.
    pub(super) fn matrix_width(&self) -> Option<usize> {
        match self {
            Self::NetworkInput { layout, .. } => Some(layout.dense_range().end),
            Self::Features { sketch } => sketch.as_ref().map(sketch_width),
        }
    }

    /// What the matrix is called.
    pub(super) fn matrix_name(&self) -> &'static str {
        match self {
            Self::NetworkInput { .. } => "numbers",
            Self::Features { .. } => "sketch",
        }
    }

    /// What the output says of itself, as JSON by key.
    pub(super) fn metadata(&self, languages: &Languages) -> Vec<(&'static str, serde_json::Value)> {
        let ids: Vec<String> = languages.ids().iter().map(Id::to_string).collect();
        let mut metadata = vec![("languages", ids.into())];
        match self {
            Self::NetworkInput { layout, .. } => metadata.extend([
                ("content", "network-input".into()),
                ("columns", layout.column_names().into()),
                ("sketch_depth", layout.sketch_depth.into()),
                ("sketch_width", layout.sketch_width.into()),
                ("logarithms", layout.logarithms.into()),
            ]),
            Self::Features { sketch } => {
                metadata.push(("content", "features".into()));
                if let Some(codes) = sketch {
                    metadata.push(("sketch_depth", codes.shape().depth().into()));
                    metadata.push(("sketch_width", codes.shape().width().into()));
                }
            }
        }
        metadata
    }
}

/// Numbers of a sketch.
pub(super) fn sketch_width(codes: &TokenCodes) -> usize {
    codes.shape().depth() * codes.shape().width()
}
