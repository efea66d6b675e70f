//! The model folder, opened and predicted with.

use std::path::Path;
use std::sync::Arc;

use skimlog_features::counts::Table;
use skimlog_features::counts::frozen::{FrozenCounts, FrozenSimilar};
use skimlog_features::key::Key;
use skimlog_formats::record::{Columns, RecordBatch};
use skimlog_model::bundle::{BundleManifest, BundleWriter, CODES, Counted, MANIFEST, Origin, TrainedOn, Verify};
use skimlog_model::predict::{EngagementModel, PredictError, Predictor};
use skimlog_network::Precision;
use xxhash_rust::xxh3::xxh3_64;

use super::network::{calibration, languages, network};
use super::skim::token_codes;
use super::{frozen, sample};
use crate::mutate::Mutator;
use crate::random::Random;
use crate::scratch::{ManyFiles, Scratch};
use crate::sealed::{self, SkimFile};
use crate::{Exact, Target, Verdict, digest};

/// The folder, and what is predicted with it.
pub(super) struct Model {
    files: ManyFiles,
    seeds: Vec<Vec<u8>>,
    records: RecordBatch,
    manifest: BundleManifest,
}

impl Model {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let records = sample::records("test/part-00000", 0, 8);
        let folder = scratch.path().join("model");
        let bundle = BundleWriter::begin(&folder).expect("the temporary folder is made");
        let counts = bundle.path("counts").expect("the temporary folder is made");
        std::fs::create_dir_all(&counts).expect("the temporary folder is made");
        let mut keys: Vec<Key> = records.author.id.iter().chain(&records.reader.id).map(|&id| Key::of(id)).collect();
        keys.sort_unstable();
        keys.dedup();
        for table in Table::ALL {
            let path = FrozenCounts::table_file(&counts, table);
            frozen::write_table(&path, &keys, table.has_unreacted()).expect("the table is written");
        }
        FrozenSimilar::write(&FrozenCounts::similar_file(&counts), &frozen::similar_authors()).expect("it is written");
        let bundle = bundle.with_origin(origin());
        bundle
            .finish(&network(), Some(&calibration()), Some(&token_codes()), &languages())
            .expect("the model is written");
        let text = std::fs::read(folder.join(MANIFEST)).expect("the model has a manifest");
        let manifest: BundleManifest = serde_json::from_slice(&text).expect("the manifest is one");
        let names = [MANIFEST].into_iter().chain(manifest.files.keys().map(String::as_str));
        let files = ManyFiles::new(scratch, names.map(|name| format!("model/{name}")));
        // Nothing reads this one.
        let seeds = files.seeds().into_iter().filter(|seed| !seed.ends_with(b"model.onnx")).collect();
        Self { files, seeds, records, manifest }
    }

    fn predict(&self, folder: &Path, precision: Precision, verify: Verify) -> Result<u64, PredictError> {
        let model = Arc::new(EngagementModel::open(folder, precision, verify)?);
        let mut probabilities = Vec::new();
        model.predictor().predict(&self.records, &mut probabilities)?;
        Ok(digest(&probabilities))
    }

    /// The manifest for a file of other contents.
    fn resigned(&self, name: &str, contents: &[u8]) -> Vec<u8> {
        let mut manifest = self.manifest.clone();
        if let Some(entry) = manifest.files.get_mut(name) {
            (entry.bytes, entry.xxh3) = (contents.len() as u64, format!("{:016x}", xxh3_64(contents)));
        }
        serde_json::to_vec(&manifest).expect("a manifest is written")
    }
}

/// Where the model says that it comes from.
fn origin() -> Origin {
    let days = [("2021-02-04".to_owned(), 8), ("2021-02-05".to_owned(), 9)].into_iter().collect();
    Origin {
        skimmer: Some("0.3.0".into()),
        date: Some("2021-02-05".into()),
        counted: Some(Counted {
            tweets: Some(["2021-02-03", "2021-02-05"].map(str::to_owned)),
            training: 17,
            ..Counted::default()
        }),
        trained: Some(TrainedOn { days, finetune: 3, warm_starts: 1 }),
        configuration: [("train.hidden_size".to_owned(), "8".to_owned())].into_iter().collect(),
    }
}

impl Target for Model {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        assert!(Predictor::COLUMNS.contains(Columns::TOKENS));
        let read = |root: &Path, name: &str, contents: &[u8]| {
            let folder = root.join("model");
            let name = name.strip_prefix("model/").unwrap_or(name);
            let precision = Precision::ALL.into_iter().find(|precision| name.ends_with(&format!(".{precision}")));
            // A manifest that vouches for the damage: whatever is in the file has to be withstood.
            if name != MANIFEST {
                std::fs::write(folder.join(MANIFEST), self.resigned(name, contents)).expect("it is written");
                let _ = self.predict(&folder, precision.unwrap_or(Precision::F32), Verify::Sizes);
                let sound = self.files.content(&format!("model/{MANIFEST}"));
                std::fs::write(folder.join(MANIFEST), sound).expect("it is written");
            }
            self.predict(&folder, Precision::F32, Verify::Checksums)
        };
        match self.files.with(input, read) {
            Ok(probabilities) => Verdict::Accepted(probabilities),
            Err(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn exact(&self) -> Exact {
        // A manifest that does not name a file does not vouch for it.
        Exact::OneChange
    }

    fn sealed(&self, random: &mut Random) -> Option<Vec<u8>> {
        let (&number, contents) = random.pick(&self.seeds).split_first()?;
        let contents = contents.to_vec();
        let codes = self.files.content(&format!("model/{CODES}"));
        let mutant = if contents == codes {
            SkimFile::parse(&contents)?.mutant(&Mutator::new(&[contents]), random)
        } else if contents.starts_with(b"SKIMFRZN") {
            sealed::mutant(&[contents], random, sealed::frozen)
        } else if contents.starts_with(b"SKIMPACK") {
            sealed::mutant(&[contents], random, sealed::packed)
        } else {
            return None;
        };
        Some([&[number], mutant.as_slice()].concat())
    }

    fn named(&self) -> &str {
        "model"
    }
}
