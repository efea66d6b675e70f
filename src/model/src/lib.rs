//! Predicts how readers engage with tweets: the probabilities of a like, reply, retweet and quote for raw records, from
//! a model folder that `skimmer train` wrote. This crate is all that prediction needs; it trains nothing.
//!
//! In the data's order:
//!
//! * [`bundle`]: the model folder, one directory with everything that prediction reads, and its writer;
//! * [`predict`]: the opened model ([`EngagementModel`](predict::EngagementModel)), a thread's memory for batches
//!   ([`Predictor`](predict::Predictor)), and a whole stream of records to lines of CSV
//!   ([`predict_stream`](predict::predict_stream)).
//!
//! What signatures mention of other crates is re-exported: [`record`] (raw records and their parser), [`Reaction`],
//! [`PerReaction`] and [`Precision`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use skimlog_model::bundle::Verify;
//! use skimlog_model::predict::EngagementModel;
//! use skimlog_model::record::{RecordBatch, RecordOptions, RecordReader};
//! use skimlog_model::{Precision, Reaction};
//!
//! # use skimlog_features::counts::Table;
//! # use skimlog_features::counts::frozen::{FrozenCounts, FrozenSimilar, FrozenTableWriter};
//! # use skimlog_features::input::{Languages, Layout};
//! # use skimlog_features::similar::SimilarAuthors;
//! # use skimlog_features::sketch::{SketchShape, TokenCodes};
//! # use skimlog_model::bundle::{BundleWriter, COUNTS_FOLDER};
//! # use skimlog_network::{Shape, arbitrary};
//! #
//! # // A tiny model that knows no token, no language and no count.
//! # fn write_model(folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! #     let bundle = BundleWriter::begin(folder)?;
//! #     let counts = bundle.path(COUNTS_FOLDER)?;
//! #     std::fs::create_dir_all(&counts)?;
//! #     for table in Table::ALL {
//! #         FrozenTableWriter::create(&FrozenCounts::table_file(&counts, table), 0, table.has_unreacted())?.finish()?;
//! #     }
//! #     FrozenSimilar::write(&FrozenCounts::similar_file(&counts), &SimilarAuthors::from_lists([]))?;
//! #     let layout = Layout { sketch_depth: 2, sketch_width: 8, logarithms: false, languages: 0 };
//! #     let network = arbitrary::network(Shape { layout, hidden: 5 }, 1);
//! #     let codes = TokenCodes::new(SketchShape::new(2, 8)?, 1, &[], &[])?;
//! #     Ok(bundle.finish(&network, None, Some(&codes), &Languages::default())?)
//! # }
//! # let temporary = tempfile::tempdir()?;
//! # let folder = temporary.path().join("model");
//! # write_model(&folder)?;
//! let model = Arc::new(EngagementModel::open(&folder, Precision::F32, Verify::Prediction)?);
//!
//! let (tweet, language) = ("AB".repeat(16), "1F".repeat(16));
//! let (author, reader) = ("2C".repeat(16), "3D".repeat(16));
//! let line = [
//!     // Token ids, hashtags, tweet id, media, links, their domains, type, language, time.
//!     "101\t8121\t102", "", &tweet, "", "", "", "TopLevel", &language, "1612396800",
//!     // Author and reader: id, followers, following, verified, creation time; whether the author follows the reader.
//!     &author, "1200", "340", "false", "1300000000", &reader, "85", "210", "false", "1400000000", "true",
//! ];
//! let line = line.join("\u{1}") + "\n";
//! let mut records = RecordBatch::default();
//! RecordReader::new(line.as_bytes(), RecordOptions::default()).read(&mut records, 1)?;
//!
//! let mut probabilities = Vec::new();
//! model.predictor().predict(&records, &mut probabilities)?;
//! let like = probabilities[0][Reaction::Like];
//! assert!(0.0 < like && like < 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bundle;
pub mod predict;

pub use skimlog_formats::{PerReaction, Reaction, record};
pub use skimlog_network::Precision;
