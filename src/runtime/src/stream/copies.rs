//! Finds files of equal content without reading much: almost all differ in size.

use std::collections::HashMap;
use std::fs::File;
use std::hash::Hash;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::StreamError;

/// Bytes at the beginning and at the end that are compared before all are.
const ENDS: u64 = 1 << 16;

/// Two files of equal content, by their positions in the list, if there are any. What is no plain file, is empty or is
/// not there has no equal: whoever opens it will say so.
///
/// # Errors
/// [`StreamError::Open`] for a file of the same size as another that cannot be read.
pub fn find_copies<P: AsRef<Path>>(files: &[P]) -> Result<Option<(usize, usize)>, StreamError> {
    let size = |file: usize| {
        let metadata = files[file].as_ref().metadata().ok()?;
        (metadata.is_file() && metadata.len() > 0).then_some(metadata.len())
    };
    let sized = (0..files.len()).filter_map(|file| Some((size(file)?, file)));
    for alike in alike(sized) {
        let alike_at_the_ends = keyed(&alike, files, |file| {
            let size = file.metadata()?.len();
            let mut hash = Xxh3::new();
            add(&mut hash, &mut file.take(ENDS))?;
            (&mut &*file).seek(SeekFrom::Start(size.saturating_sub(ENDS)))?;
            add(&mut hash, &mut file.take(ENDS))?;
            Ok(hash.digest128())
        })?;
        for alike in alike_at_the_ends {
            let equal = keyed(&alike, files, |mut file| {
                let mut hash = Xxh3::new();
                add(&mut hash, &mut file)?;
                Ok(hash.digest128())
            })?;
            if let Some([first, second, ..]) = equal.first().map(Vec::as_slice) {
                return Ok(Some((*first, *second)));
            }
        }
    }
    Ok(None)
}

/// The groups of these files that have an equal key.
fn keyed<P: AsRef<Path>>(
    group: &[usize],
    files: &[P],
    key: impl Fn(&File) -> io::Result<u128>,
) -> Result<Vec<Vec<usize>>, StreamError> {
    let keyed = group.iter().map(|&file| {
        let path = files[file].as_ref();
        let key = File::open(path).and_then(|open| key(&open));
        Ok((key.map_err(|source| StreamError::Open { path: path.to_owned(), source })?, file))
    });
    Ok(alike(keyed.collect::<Result<Vec<_>, StreamError>>()?))
}

/// The groups of two files and more that have an equal key, in the order of their first files.
fn alike<K: Eq + Hash>(keyed: impl IntoIterator<Item = (K, usize)>) -> Vec<Vec<usize>> {
    let mut groups: HashMap<K, Vec<usize>> = HashMap::new();
    for (key, file) in keyed {
        groups.entry(key).or_default().push(file);
    }
    let mut groups: Vec<_> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    groups
}

/// Adds all that can be read.
fn add(hash: &mut Xxh3, input: &mut impl Read) -> io::Result<()> {
    let mut buffer = vec![0; ENDS as usize];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn only_equal_content_counts() {
        let folder = tempfile::tempdir().unwrap();
        let base: Vec<u8> = (0..400_000u32).map(|number| (number % 251) as u8).collect();
        let with = |change: fn(&mut Vec<u8>)| {
            let mut content = base.clone();
            change(&mut content);
            content
        };
        let contents = [
            with(|_| {}),
            with(|content| content[200_000] ^= 1),
            with(|content| content[0] ^= 1),
            with(|content| *content.last_mut().unwrap() ^= 1),
            with(|content| content.push(1)),
            Vec::new(),
            Vec::new(),
        ];
        let mut files: Vec<PathBuf> = (0..contents.len()).map(|file| folder.path().join(file.to_string())).collect();
        files.iter().zip(&contents).for_each(|(file, content)| std::fs::write(file, content).unwrap());
        files.push(folder.path().join("is not there"));
        files.push(folder.path().to_owned());
        assert_eq!(find_copies(&files).unwrap(), None);
        files.push(folder.path().join("copy"));
        std::fs::copy(&files[1], &files[9]).unwrap();
        assert_eq!(find_copies(&files).unwrap(), Some((1, 9)));
        assert_eq!(find_copies(&[&files[4], &files[4]]).unwrap(), Some((0, 1)));
    }
}
