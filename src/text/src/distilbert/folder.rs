//! The files of a model's folder, and what to do if they are not those of a DistilBERT in safetensors.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::DistilBertError;

/// Name of the sizes in a model's folder.
pub const CONFIG_FILE: &str = "config.json";
/// Name of the weights in a model's folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// Weights of other libraries: the file name's suffix, what it is, and the argument with which `transformers` reads it.
const FOREIGN: [(&str, &str, &str); 4] = [
    (".bin", "PyTorch's pickled weights, which are not read since they can run any program", ""),
    (".h5", "TensorFlow's weights", ", from_tf=True"),
    (".msgpack", "Flax's weights", ", from_flax=True"),
    (".ckpt.index", "TensorFlow 1's weights", ", from_tf=True"),
];
/// The beginning of the file that stands in for one that Git LFS has not fetched.
const LFS_POINTER: &[u8] = b"version https://git-lfs";

/// Checks that a folder has [`CONFIG_FILE`] and [`WEIGHTS_FILE`], by the names alone.
///
/// # Errors
/// [`DistilBertError::Folder`] with what the folder has instead and what to do, [`DistilBertError::File`] if there is
/// no such folder.
pub fn check_folder(folder: &Path) -> Result<(), DistilBertError> {
    let failed = |source| DistilBertError::File { path: folder.to_owned(), source };
    if folder.is_file() {
        refuse_weights(folder)?;
        return refuse(
            folder,
            "this is a file: to go on training a model, name the folder with its config.json and model.safetensors",
        );
    }
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    let has = |name: &str| names.iter().any(|found| found == name);
    match (has(CONFIG_FILE), has(WEIGHTS_FILE)) {
        (true, true) => refuse_pointer(&folder.join(WEIGHTS_FILE)),
        (false, true) => refuse(
            folder,
            "config.json, which holds the model's sizes, is missing beside model.safetensors: copy it from where the \
             model is from",
        ),
        (_, false) => refuse(folder, &without_weights(folder, &names)),
    }
}

/// Refuses a file whose name shows that it holds only weights, and no graph.
///
/// # Errors
/// [`DistilBertError::Folder`] with what to do.
pub fn refuse_weights(file: &Path) -> Result<(), DistilBertError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if name.ends_with(".safetensors") {
        return refuse(
            file,
            &format!(
                "weights alone are no model: name their folder, {}, which holds config.json too",
                folder.display()
            ),
        );
    }
    if let Some((_, kind, how)) = FOREIGN.into_iter().find(|(end, ..)| name.ends_with(end)) {
        return refuse(file, &format!("{kind}: {}, and name the folder", conversion(folder, how)));
    }
    if name.ends_with(".json") {
        return refuse(file, "this is JSON: name an ONNX file, or the folder that holds the model");
    }
    refuse_pointer(file)
}

fn refuse_pointer(file: &Path) -> Result<(), DistilBertError> {
    let mut begin = Vec::new();
    let read = File::open(file).and_then(|file| file.take(LFS_POINTER.len() as u64).read_to_end(&mut begin));
    match read {
        Ok(_) if begin == LFS_POINTER => {
            refuse(file, "this is a Git LFS pointer and not the file itself: run `git lfs pull` in its folder")
        }
        // A file that cannot be read is reported where it is used.
        _ => Ok(()),
    }
}

fn refuse(path: &Path, problem: &str) -> Result<(), DistilBertError> {
    Err(DistilBertError::Folder { folder: path.to_owned(), problem: problem.to_owned() })
}

/// The message about a folder without `model.safetensors`: what it has instead, and what to do.
fn without_weights(folder: &Path, names: &[String]) -> String {
    let shard = |name: &&String| {
        name.ends_with(".safetensors.index.json") || name.starts_with("model-0") && name.ends_with(".safetensors")
    };
    if names.iter().any(|name| shard(&name)) {
        return format!(
            "the weights are in several files (model-00001-of-…), one model.safetensors is wanted: {}",
            conversion(folder, ", max_shard_size='100GB'")
        );
    }
    for (end, kind, how) in FOREIGN {
        // Names of the optimiser's and the trainer's states end in .bin and .pt, too.
        let weights = |name: &&String| {
            name.contains("model") && (name.ends_with(end) || name.ends_with(&format!("{end}.index.json")))
        };
        if let Some(name) = names.iter().find(weights) {
            return format!("there is no model.safetensors, only {name} ({kind}): {}", conversion(folder, how));
        }
    }
    if let Some(name) = names.iter().find(|name| name.ends_with(".safetensors")) {
        return format!(
            "there is no model.safetensors, only {name}: if these are the model's weights, give the file that name"
        );
    }
    if let Some(checkpoint) = newest(names) {
        return format!(
            "there is no model.safetensors, but there are checkpoints: name one of them, for example {}",
            folder.join(checkpoint).display()
        );
    }
    if let Some(onnx) = onnx_file(folder, names) {
        return format!(
            "there is no model.onnx and no model.safetensors; to take token vectors from {0}, set distilbert.onnx: {0}",
            onnx.display()
        );
    }
    let here = match names {
        [] => "the folder is empty".to_owned(),
        [one] => format!("no model is here (only {one})"),
        [one, two, ..] => format!("no model is here ({} files, {one}, {two} …)", names.len()),
    };
    format!("{here}: a model.onnx, or config.json and model.safetensors of a DistilBERT, are wanted")
}

/// The checkpoint with the most steps among the names.
fn newest(names: &[String]) -> Option<&String> {
    let step = |name: &&String| name.strip_prefix("checkpoint-").and_then(|step| step.parse::<u64>().ok());
    names.iter().filter(|name| step(name).is_some()).max_by_key(step)
}

/// An ONNX file of another name, or in the folder `onnx`, where Hugging Face repositories have theirs.
fn onnx_file(folder: &Path, names: &[String]) -> Option<PathBuf> {
    let inside = folder.join("onnx/model.onnx");
    let other = || names.iter().find(|name| name.ends_with(".onnx")).map(|name| folder.join(name));
    inside.exists().then_some(inside).or_else(other)
}

/// The command with which `transformers` converts a model to safetensors.
fn conversion(folder: &Path, how: &str) -> String {
    let (folder, save) = (folder.display(), if how.contains("shard") { how } else { "" });
    let load = if save.is_empty() { how } else { "" };
    format!(
        "convert once with `python -c \"from transformers import AutoModelForMaskedLM as M; \
         M.from_pretrained('{folder}'{load}).save_pretrained('{folder}', safe_serialization=True{save})\"`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(files: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let error = check_folder(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with(folder.path().to_str().unwrap()), "{error}");
        error
    }

    #[test]
    fn what_is_there_instead_is_named_with_what_to_do() {
        let cases: [(&[&str], &[&str]); 12] = [
            (
                &["config.json", "pytorch_model.bin"],
                &["only pytorch_model.bin", "pickled", "save_pretrained", "safe_serialization"],
            ),
            (
                &["config.json", "pytorch_model.bin.index.json", "pytorch_model-00001-of-00002.bin"],
                &["pytorch_model", "save_pretrained"],
            ),
            (&["config.json", "tf_model.h5"], &["tf_model.h5", "from_tf=True"]),
            (&["config.json", "flax_model.msgpack"], &["flax_model.msgpack", "from_flax=True"]),
            (
                &["config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"],
                &["several files", "max_shard_size"],
            ),
            (&["model.safetensors"], &["config.json", "missing"]),
            (&["config.json", "weights.safetensors"], &["only weights.safetensors", "that name"]),
            (&["checkpoint-9/config.json", "checkpoint-10/config.json"], &["checkpoint-10"]),
            (&["config.json", "onnx/model.onnx"], &["onnx/model.onnx", "distilbert.onnx"]),
            (&["config.json", "optimizer.bin", "training_args.bin"], &["no model is here"]),
            (&["tokenizer.json"], &["only tokenizer.json"]),
            (&[], &["empty", "model.safetensors"]),
        ];
        for (files, words) in cases {
            let said = said(files);
            assert!(words.iter().all(|word| said.contains(word)), "{files:?}: {said}");
        }
    }

    #[test]
    fn a_git_lfs_pointer_is_recognised() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(CONFIG_FILE), "{}").unwrap();
        let weights = folder.path().join(WEIGHTS_FILE);
        fs::write(&weights, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n").unwrap();
        assert!(check_folder(folder.path()).unwrap_err().to_string().contains("git lfs pull"));
        fs::write(&weights, "anything else").unwrap();
        check_folder(folder.path()).unwrap();
    }

    #[test]
    fn files_of_weights_are_no_models() {
        let folder = tempfile::tempdir().unwrap();
        for (name, words) in [
            ("pytorch_model.bin", "save_pretrained"),
            ("model.safetensors", "name their folder"),
            ("tf_model.h5", "from_tf"),
            ("config.json", "this is JSON"),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, "x").unwrap();
            assert!(refuse_weights(&path).unwrap_err().to_string().contains(words), "{name}");
            assert!(check_folder(&path).is_err());
        }
        refuse_weights(&folder.path().join("model.onnx")).unwrap();
    }
}
