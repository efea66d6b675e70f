//! Finding and loading the ONNX Runtime library, once a process.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use ort::environment::Environment;

/// A loaded ONNX Runtime.
#[derive(Clone)]
pub(super) struct Library {
    /// The only environment of the process.
    pub(super) environment: Environment,
    /// The library's file.
    pub(super) path: PathBuf,
    /// The version as the build describes it, for example `rel-1.32.0`.
    pub(super) version: String,
}

/// The process's library once one is loaded: neither it nor its environment can be had twice.
static LOADED: Mutex<Option<Library>> = Mutex::new(None);

/// Loads the first usable library of: `explicit`, `ORT_DYLIB_PATH`, an installed Python package, the system's. An
/// explicit one, if given, is the only one tried. A library that is already loaded is given back, whichever it is.
///
/// # Errors
/// A sentence a candidate, saying why it cannot be used.
pub(super) fn load(explicit: Option<&Path>) -> Result<Library, String> {
    let mut loaded = LOADED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(library) = &*loaded {
        return Ok(library.clone());
    }
    let mut reasons = Vec::new();
    let candidates: Box<dyn Iterator<Item = PathBuf>> = match explicit {
        Some(path) => Box::new(std::iter::once(path.to_owned())),
        None => Box::new(candidates()),
    };
    for path in candidates {
        match open(&path) {
            Ok(library) => return Ok(loaded.insert(library).clone()),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join("; "))
}

fn open(path: &Path) -> Result<Library, String> {
    // `init_from` comes first: every other call of ort panics while no library is loaded.
    let builder = ort::init_from(path).map_err(|error| one_line(&error.to_string()))?;
    let environment =
        builder.with_name("skimmer").with_telemetry(false).build().map_err(|error| one_line(&error.to_string()))?;
    Ok(Library { environment, path: path.to_owned(), version: version() })
}

/// The release that the build information names, or the whole of that information.
fn version() -> String {
    let info = ort::info();
    let branch = info.split([',', ' ']).find_map(|part| part.trim().strip_prefix("git-branch="));
    branch.unwrap_or(info).to_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where a library may be, the likeliest place first; files beside the last are known to exist.
fn candidates() -> impl Iterator<Item = PathBuf> {
    let named = env::var_os("ORT_DYLIB_PATH").filter(|value| !value.is_empty()).map(PathBuf::from);
    let environment = env::var_os("VIRTUAL_ENV").into_iter().flat_map(|root| in_environment(&PathBuf::from(root)));
    // Asking Python takes a moment and is put off until nothing else was usable.
    let python = std::iter::once_with(|| ["python3", "python"].into_iter().find_map(python_package)).flatten();
    let system = format!("{}onnxruntime{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    named.into_iter().chain(environment).chain(python).chain(std::iter::once(PathBuf::from(system)))
}

/// The library in the onnxruntime package of a Python virtual environment.
fn in_environment(root: &Path) -> Option<PathBuf> {
    let unix = fs::read_dir(root.join("lib")).into_iter().flatten().flatten();
    let mut site_packages: Vec<PathBuf> = unix.map(|entry| entry.path().join("site-packages")).collect();
    site_packages.push(root.join("Lib").join("site-packages"));
    site_packages.sort();
    site_packages.into_iter().find_map(|packages| in_package(&packages.join("onnxruntime")))
}

/// The library in the onnxruntime package that this Python would import. The package itself is not run.
fn python_package(python: &str) -> Option<PathBuf> {
    const FIND: &str = "import importlib.util as u; s = u.find_spec('onnxruntime'); \
                        print(s.submodule_search_locations[0] if s else '', end='')";
    let output = Command::new(python).args(["-c", FIND]).output().ok()?;
    let package = String::from_utf8(output.stdout).ok()?;
    if !output.status.success() || package.is_empty() {
        return None;
    }
    in_package(Path::new(&package))
}

/// The library file in a Python package's folder.
fn in_package(package: &Path) -> Option<PathBuf> {
    let is_library = |name: OsString| {
        let name = name.to_string_lossy().into_owned();
        name.starts_with("libonnxruntime.so") || name == "onnxruntime.dll" || {
            name.starts_with("libonnxruntime.") && name.ends_with(".dylib")
        }
    };
    let files = fs::read_dir(package.join("capi")).ok()?.flatten();
    files.filter(|file| is_library(file.file_name())).map(|file| file.path()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_library_in_a_virtual_environment() {
        let root = tempfile::tempdir().unwrap();
        let capi = root.path().join("lib/python3.11/site-packages/onnxruntime/capi");
        fs::create_dir_all(&capi).unwrap();
        assert_eq!(in_environment(root.path()), None);
        for name in ["libonnxruntime_providers_shared.so", "libonnxruntime.so.1.32.0", "build_and_package_info.py"] {
            fs::write(capi.join(name), "").unwrap();
        }
        assert_eq!(in_environment(root.path()), Some(capi.join("libonnxruntime.so.1.32.0")));
    }

    #[test]
    fn a_file_that_is_no_library_gives_a_reason() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let reason = open(file.path()).err().unwrap();
        assert!(reason.contains(&file.path().display().to_string()), "{reason}");
        assert!(!reason.contains('\n'));
    }
}
