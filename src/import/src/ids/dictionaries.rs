//! Looks ids up in the dictionaries of several parts, as if they were one.

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::{Path, PathBuf};

use skimlog_formats::Id;
use skimlog_formats::columnar::Reader;
use skimlog_runtime::files::entries;
use skimlog_runtime::stream::part_name;

use super::ENDING;
use super::dictionary::IdDictionary;
use super::error::IdsError;
use super::kept::Memory;

/// Bytes of decoded blocks that all dictionaries together keep where nothing else is said.
const MEMORY: u64 = 128 << 20;

/// Where the dictionary of a part stands: beside it, under the part's name and with the ending `.ids`.
///
/// ```
/// use std::path::Path;
/// use skimlog_import::ids::dictionary_path;
/// assert_eq!(dictionary_path(Path::new("parts/part-00000.skim")), Path::new("parts/part-00000.ids"));
/// ```
pub fn dictionary_path(part: &Path) -> PathBuf {
    let mut name = OsString::from(part_name(part.file_name().unwrap_or(OsStr::new("part"))));
    name.push(".");
    name.push(ENDING);
    part.with_file_name(name)
}

/// The dictionaries of some parts. Shared freely between threads.
#[derive(Debug, Default)]
pub struct Dictionaries(Vec<IdDictionary>);

impl Dictionaries {
    /// Opens files. Blocks that were looked into stay in memory, decoded, up to 128 MiB.
    ///
    /// # Errors
    /// As [`IdDictionary::open`].
    pub fn open(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<Self, IdsError> {
        let memory = Memory::new(MEMORY);
        let open = |path: &Path| IdDictionary::sharing(Reader::open(path)?, &memory);
        Ok(Self(paths.into_iter().map(|path| open(path.as_ref())).collect::<Result<_, _>>()?))
    }

    /// Opens the dictionaries that stand beside these parts; a part need not have one.
    ///
    /// # Errors
    /// As [`IdDictionary::open`].
    pub fn beside(parts: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<Self, IdsError> {
        let paths = parts.into_iter().map(|part| dictionary_path(part.as_ref()));
        Self::open(paths.filter(|path| path.exists()))
    }

    /// Opens the files of a folder whose names have the ending `.ids`.
    ///
    /// # Errors
    /// [`IdsError::Output`] if the folder cannot be read; as [`IdDictionary::open`].
    pub fn of_folder(folder: &Path) -> Result<Self, IdsError> {
        let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let mut paths = entries(folder)?;
        paths.retain(|path| path.extension() == Some(OsStr::new(ENDING)) && !is_hidden(path));
        paths.sort_unstable();
        Self::open(paths)
    }

    /// Whether there is no dictionary: then no id has a text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The dictionaries, in the order in which they were opened.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &IdDictionary> {
        self.0.iter()
    }

    /// The user's own ids for ids of records: the text where a dictionary has one, else the id's 32 hexadecimal digits,
    /// which are the own id if that was one of these digits. Equal ids share their text. No block of a dictionary is
    /// decoded twice.
    ///
    /// # Errors
    /// As [`IdDictionary::text`].
    pub fn own_ids(&self, ids: &[Id]) -> Result<OwnIds, IdsError> {
        let mut distinct = ids.to_vec();
        distinct.sort_unstable_by_key(|id| u128::from_be_bytes(id.0));
        distinct.dedup();
        let (mut texts, mut ranges) = (Vec::new(), vec![None; distinct.len()]);
        let mut missing: Vec<usize> = (0..distinct.len()).collect();
        for dictionary in &self.0 {
            if missing.is_empty() {
                break;
            }
            let wanted: Vec<Id> = missing.iter().map(|&place| distinct[place]).collect();
            dictionary.texts(&wanted, |place, text| {
                ranges[missing[place]] = text.map(|text| append(text, &mut texts));
            })?;
            missing.retain(|&place| ranges[place].is_none());
        }
        let found = distinct.len() - missing.len();
        let ranges = distinct.iter().zip(ranges);
        let ranges: Vec<Range<usize>> =
            ranges.map(|(id, range)| range.unwrap_or_else(|| append(&id.to_hex(), &mut texts))).collect();
        let place = |id: &Id| distinct.binary_search(id).expect("the distinct ids have all ids");
        let places = ids.iter().map(|id| place(id) as u32).collect();
        Ok(OwnIds { texts, ranges, places, found })
    }
}

fn append(text: &[u8], texts: &mut Vec<u8>) -> Range<usize> {
    let start = texts.len();
    texts.extend_from_slice(text);
    start..texts.len()
}

/// The user's own ids for some ids, in the order in which these were given.
#[derive(Clone, Debug, Default)]
pub struct OwnIds {
    texts: Vec<u8>,
    /// Where the text of each distinct id stands.
    ranges: Vec<Range<usize>>,
    /// The distinct id of each place.
    places: Vec<u32>,
    found: usize,
}

impl OwnIds {
    /// Number of ids.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many distinct ids a dictionary had.
    pub fn found(&self) -> usize {
        self.found
    }

    /// The own id at a place: any bytes, in most logs UTF-8.
    #[inline]
    pub fn get(&self, place: usize) -> &[u8] {
        &self.texts[self.ranges[self.places[place] as usize].clone()]
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|place| self.get(place))
    }
}
