//! The workspace's packages, as `cargo metadata` tells them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A workspace.
#[derive(Deserialize)]
pub struct Workspace {
    /// Its members.
    pub packages: Vec<Package>,
    /// Its folder, absolute.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
}

/// A member of the workspace.
#[derive(Deserialize)]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// Its `Cargo.toml`, absolute.
    pub manifest_path: PathBuf,
    /// What it depends on, of the workspace and of others.
    pub dependencies: Vec<Dependency>,
    /// What it builds.
    pub targets: Vec<Target>,
}

/// A line of a `Cargo.toml`'s tables of dependencies.
#[derive(Deserialize)]
pub struct Dependency {
    /// The package depended on.
    pub name: String,
    /// `None` for a normal one.
    pub kind: Option<DependencyKind>,
    /// Whether it is only there with a feature.
    pub optional: bool,
    /// The name it has in this `Cargo.toml`, if another.
    pub rename: Option<String>,
}

/// What a dependency that is not a normal one is for.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum DependencyKind {
    /// Tests, examples and benchmarks.
    Dev,
    /// The build script.
    Build,
}

/// A library, program, test or the like.
#[derive(Deserialize)]
pub struct Target {
    /// `lib`, `bin`, `test` and the like.
    pub kind: Vec<String>,
    /// Its first file, absolute.
    pub src_path: PathBuf,
}

impl Workspace {
    /// The workspace a folder belongs to.
    ///
    /// # Errors
    /// If `cargo metadata` fails or says something unexpected.
    pub fn read(folder: &Path) -> Result<Self> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(folder)
            .output()
            .context("cargo metadata cannot be started")?;
        if !output.status.success() {
            bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        serde_json::from_slice(&output.stdout).context("cargo metadata: unexpected output")
    }

    /// A path from the workspace's root, as findings give it.
    #[must_use]
    pub fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}
