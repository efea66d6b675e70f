//! Finds and loads the ONNX Runtime library, once per process.

use std::{
    env,
    error::Error as _,
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
    /// Its version.
    pub(super) version: String,
}

/// The process's library once one is loaded: neither it nor its environment can exist twice.
static LOADED: Mutex<Option<Library>> = Mutex::new(None);

/// Loads `explicit` or the library that `ORT_DYLIB_PATH` names; without either, the first usable one of an installed
/// Python package and the system's. A library that is already loaded is returned, whichever it is.
///
/// # Errors
/// The reason: no library was found, or what is wrong with those that were.
pub(super) fn load(explicit: Option<&Path>) -> Result<Library, String> {
    let mut loaded = LOADED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(library) = &*loaded {
        return Ok(library.clone());
    }
    let system = PathBuf::from(format!("{}onnxruntime{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX));
    let mut reasons = Vec::new();
    let named = env::var_os("ORT_DYLIB_PATH").filter(|value| !value.is_empty()).map(PathBuf::from);
    let candidates: Box<dyn Iterator<Item = PathBuf>> = match explicit.map(Path::to_owned).or(named) {
        Some(path) => Box::new(std::iter::once(path)),
        None => Box::new(candidates().chain(std::iter::once(system.clone()))),
    };
    for path in candidates {
        match open(&path) {
            Ok(library) => return Ok(loaded.insert(library).clone()),
            // The system was asked for any library of this name, and most have none.
            Err(reason) if path == system && is_missing(&reason) => {}
            Err(reason) => reasons.push(reason),
        }
    }
    Err(if reasons.is_empty() { "no library was found".to_owned() } else { reasons.join("; ") })
}

/// The reason a library cannot be loaded, with the system loader's message.
fn load_reason(error: &ort::LoadDynamicError) -> String {
    let detail = match error {
        ort::LoadDynamicError::Dlopen { error, .. } => error.source(),
        _ => None,
    };
    let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    one_line(&format!("{error}{detail}"))
}

/// Whether the system's loader found no library, in its words on Linux and macOS or on Windows.
fn is_missing(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    reason.contains("no such file") || reason.contains("could not be found")
}

fn open(path: &Path) -> Result<Library, String> {
    // `init_from` comes first: every other call of ort panics while no library is loaded.
    let builder = ort::init_from(path).map_err(|error| load_reason(&error))?;
    let environment =
        builder.with_name("skimmer").with_telemetry(false).build().map_err(|error| one_line(&error.to_string()))?;
    Ok(Library { environment, path: path.to_owned(), version: version(path) })
}

/// The version in the file's name (`libonnxruntime.so.1.32.0`), or else what the build says of itself.
fn version(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = name.trim_start_matches(|letter: char| !letter.is_ascii_digit()).trim_end_matches(".dylib");
    if number.is_empty() { ort::info().to_owned() } else { number.to_owned() }
}

/// A message of several lines as one.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The libraries of Python packages, the likeliest first.
fn candidates() -> impl Iterator<Item = PathBuf> {
    let environment = env::var_os("VIRTUAL_ENV").into_iter().flat_map(|root| in_environment(&PathBuf::from(root)));
    // Asking Python takes a moment and is put off until nothing else was usable.
    let python = std::iter::once_with(|| ["python3", "python"].into_iter().find_map(python_package)).flatten();
    environment.chain(python)
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
        // ort looks at no second library: not if another test has loaded one, nor may one do so meanwhile.
        let loaded = LOADED.lock().unwrap();
        if loaded.is_some() {
            return;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let reason = open(file.path()).err().unwrap();
        assert!(reason.contains(&file.path().display().to_string()), "{reason}");
        assert!(!reason.contains('\n'));
    }
}
