//! The dictionary of languages seen in training.

use skimlog_formats::{Id, IdError};
use thiserror::Error;

/// The languages of the training records, numbered in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Languages(Vec<Id>);

/// Why a text is not a list of languages.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LanguagesError {
    /// A line that is no id.
    #[error("line {line}: {error}")]
    Id {
        /// 1-based number of the line.
        line: usize,
        /// What is wrong with it.
        error: IdError,
    },
    /// A line out of order, or one that repeats the line before.
    #[error("line {0}: ids must ascend and none may repeat")]
    Order(usize),
}

impl FromIterator<Id> for Languages {
    /// The dictionary of these ids, which may repeat and come in any order.
    fn from_iter<I: IntoIterator<Item = Id>>(ids: I) -> Self {
        Self(ids.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }
}

impl Languages {
    /// Number of known languages.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no language is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of a language: its index among the known ones, or [`Languages::len`] for an unknown one.
    #[inline]
    pub fn index(&self, language: Id) -> u32 {
        self.0.binary_search(&language).unwrap_or(self.0.len()) as u32
    }

    /// The known languages in the order of their numbers.
    pub fn ids(&self) -> &[Id] {
        &self.0
    }

    /// One id a line, in the order of their numbers.
    pub fn to_text(&self) -> String {
        self.0.iter().map(|id| format!("{id}\n")).collect()
    }

    /// Reads what [`Languages::to_text`] wrote.
    ///
    /// # Errors
    /// [`LanguagesError`], with the line's number, for anything else.
    pub fn from_text(text: &str) -> Result<Self, LanguagesError> {
        let mut ids = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let id = Id::parse(line.as_bytes()).map_err(|error| LanguagesError::Id { line: line_number, error })?;
            if ids.last().is_some_and(|&last| last >= id) {
                return Err(LanguagesError::Order(line_number));
            }
            ids.push(id);
        }
        Ok(Self(ids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_ids_and_survive_as_text() {
        let languages: Languages = [Id([7; 16]), Id([2; 16]), Id([7; 16]), Id([5; 16])].into_iter().collect();
        assert_eq!([2, 5, 7, 9].map(|byte| languages.index(Id([byte; 16]))), [0, 1, 2, 3]);
        assert_eq!(Languages::from_text(&languages.to_text()).unwrap(), languages);
    }

    #[test]
    fn damaged_text_is_refused() {
        let text = [Id([7; 16]), Id([2; 16])].map(|id| format!("{id}\n")).concat();
        assert_eq!(Languages::from_text(&text), Err(LanguagesError::Order(2)));
        let error = LanguagesError::Id { line: 1, error: IdError::Length(2) };
        assert_eq!(Languages::from_text("AB\n"), Err(error));
    }
}
