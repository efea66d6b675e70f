//! `config.yaml`, and the working directory's manifest.

use skimlog::config::{Config, ConfigError};
use skimlog::workspace::{Fingerprint, Manifest as Tasks, Workspace, WorkspaceError};

use super::sample;
use crate::scratch::Scratch;
use crate::{Target, Verdict, digest};

/// A configuration.
pub(super) struct Configuration {
    scratch: Scratch,
    seeds: Vec<Vec<u8>>,
}

impl Configuration {
    const NAME: &str = "config.yaml";

    pub(super) fn new() -> Self {
        let shipped = std::fs::read(sample::fixture("../config.yaml")).expect("the file that is shipped");
        let short = "working_dir: /w\nrecsys_data: r\nmax_n_parts: 3\nauthors_similarity_top_N: 7\n\
                     validation_percentage: 0.3\nmemory_budget: 1.5GB\ntrain:\n  learning_rate: 1.0e-3\n  batch_size: \
                     64\ndistilbert: {finetune: {masked: 0.2}}\n";
        let styles =
            "\"train\": {}\npredict: {batch_size: 0x10, }\n'seed': +3 # three\nworking_dir: >-\n  some\n  where\n";
        Self { scratch: Scratch::new(), seeds: vec![shipped, short.into(), styles.into()] }
    }
}

impl Target for Configuration {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        let path = self.scratch.write(Self::NAME, input);
        let config = match Config::load(&path) {
            Ok(config) => config,
            Err(ConfigError::Wrong { path, line, problem }) => {
                let lines = 1 + input.iter().filter(|&&byte| byte == b'\n' || byte == b'\r').count();
                assert!((1..=lines).contains(&line), "line {line} of {lines}: {problem}");
                return Verdict::Rejected(format!("{}:{line}: {problem}", path.display()));
            }
            Err(other) => panic!("an error without a line: {other}"),
        };
        // What a configuration says is what it reads as when it is written out.
        let json = serde_json::to_vec(&config).expect("a configuration is written");
        for again in [json, config.to_yaml().into_bytes()] {
            let path = self.scratch.write("again.yaml", &again);
            let again = Config::load(&path).unwrap_or_else(|error| panic!("it does not read back: {error}"));
            assert!(again == config, "a configuration reads back as another");
        }
        Verdict::Accepted(digest(&config))
    }

    fn named(&self) -> &str {
        "config.yaml:"
    }
}

/// What is known of finished tasks.
pub(super) struct Manifest {
    scratch: Scratch,
    seeds: Vec<Vec<u8>>,
}

impl Manifest {
    const NAME: &str = "manifest.json";

    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let workspace = Workspace::open(scratch.path()).expect("the folder is ours");
        let output = scratch.write("similar.skim", b"made");
        let mut tasks = Tasks::open(&workspace).expect("there is none yet");
        for task in ["similar", "features"] {
            let fingerprint = Fingerprint::new().with("seed", 7);
            tasks.finish(task, fingerprint, std::slice::from_ref(&output), 1.5, Some(9), &[1, 2]).expect("it is noted");
        }
        drop(workspace);
        let seeds = vec![std::fs::read(scratch.path().join(Self::NAME)).expect("it was written")];
        Self { scratch, seeds }
    }
}

impl Target for Manifest {
    fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    fn check(&mut self, input: &[u8]) -> Verdict {
        self.scratch.write(Self::NAME, input);
        let read = || {
            let mut tasks = Tasks::read(self.scratch.path())?;
            let outdated = tasks.outdated("similar", &Fingerprint::new().with("seed", 7));
            let shown = outdated.map(|reason| reason.to_string());
            Ok::<_, WorkspaceError>(digest(&(shown, tasks.outputs(), tasks.tasks().collect::<Vec<_>>())))
        };
        match read() {
            Ok(values) => Verdict::Accepted(values),
            Err(error) => Verdict::Rejected(error.to_string()),
        }
    }

    fn named(&self) -> &str {
        Self::NAME
    }
}
