//! What some rows say of a column.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;

use crate::mapping::{Kind, TimeFormat, TimeUnit, Word};
use crate::rows::find;

/// Most values that are looked at.
const VALUES: usize = 1000;
/// Most distinct words that are listed.
pub(super) const WORDS: usize = 20;

/// Values of a column, as texts.
pub(super) struct Sample {
    data_type: DataType,
    values: Vec<String>,
    is_list: bool,
}

impl Sample {
    pub(super) fn of(rows: &[RecordBatch], path: &str) -> Self {
        let mut sample = Self { data_type: DataType::Null, values: Vec::new(), is_list: false };
        for column in rows.iter().filter_map(|rows| find(rows, path)) {
            sample.add(&column);
        }
        sample
    }

    fn add(&mut self, column: &ArrayRef) {
        let items = match column.data_type() {
            DataType::List(_) => Arc::clone(column.as_list::<i32>().values()),
            DataType::LargeList(_) => Arc::clone(column.as_list::<i64>().values()),
            _ => Arc::clone(column),
        };
        self.is_list |= !Arc::ptr_eq(&items, column);
        self.data_type = items.data_type().clone();
        let options = FormatOptions::default();
        let Ok(formatter) = ArrayFormatter::try_new(&items, &options) else { return };
        let rows = (0..items.len()).filter(|&row| items.is_valid(row));
        let room = VALUES.saturating_sub(self.values.len());
        let texts = rows.map(|row| formatter.value(row).to_string()).filter(|text| !text.is_empty());
        self.values.extend(texts.take(room));
    }

    /// Whether the values can be of a field of this kind.
    pub(super) fn suits(&self, kind: Kind) -> bool {
        let all = |suits: &dyn Fn(&str) -> bool| self.values.iter().all(|value| suits(value));
        let is_text = matches!(self.data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        match kind {
            Kind::Id | Kind::Type => !self.is_list,
            Kind::Text => !self.is_list,
            Kind::Time if is_text => all(&is_time),
            Kind::Number if is_text => all(&|value| value.parse::<f64>().is_ok()),
            Kind::Flag if is_text => all(&is_flag),
            Kind::Flag if self.data_type.is_numeric() => all(&|value| matches!(value, "0" | "1" | "0.0" | "1.0")),
            Kind::Reaction if is_text => all(&|value| is_flag(value) || is_time(value)),
            _ => true,
        }
    }

    /// The unit of times that are numbers: the one in which most of them are between 1990 and 2100.
    pub(super) fn unit(&self) -> Option<TimeUnit> {
        let numbers: Vec<f64> = self.values.iter().filter_map(|value| value.parse().ok()).collect();
        let numbers: Vec<f64> = numbers.into_iter().filter(|number| number.abs() > 1.0).collect();
        let units = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
        let likely = |unit: &TimeUnit| {
            let seconds =
                |number: &&f64| (631_152_000.0..4_102_444_800.0).contains(&(**number / unit.per_second() as f64));
            numbers.iter().filter(seconds).count() * 2 > numbers.len()
        };
        units.into_iter().find(|unit| !numbers.is_empty() && likely(unit))
    }

    /// Whether times are local: of no zone.
    pub(super) fn is_local(&self) -> bool {
        match &self.data_type {
            DataType::Timestamp(_, zone) => zone.is_none(),
            _ => self
                .values
                .iter()
                .any(|value| TimeFormat::default().of_text(value).is_err_and(|what| what.contains("no zone"))),
        }
    }

    /// What joins the items of lists that are written as texts.
    pub(super) fn split(&self) -> Option<&'static str> {
        if self.is_list {
            return None;
        }
        let is_web = |value: &String| value.contains("://");
        let joined = |split: &&str| {
            // A comma or semicolon may be part of a link.
            let count = self.values.iter().filter(|value| value.trim().contains(*split)).count();
            count > 0 && (!self.values.iter().any(is_web) || *split != ",")
        };
        ["\t", "|", ";", ",", " "].into_iter().find(joined)
    }

    /// The distinct words, in order of their first occurrence; those that `split` parts one by one.
    pub(super) fn words(&self, split: Option<&str>) -> Vec<&str> {
        let mut words: Vec<&str> = Vec::new();
        for value in &self.values {
            let parts: Vec<&str> = match split {
                Some(split) => value.split(split).map(str::trim).filter(|word| !word.is_empty()).collect(),
                None => vec![value],
            };
            for word in parts {
                if words.len() < WORDS && !words.contains(&word) {
                    words.push(word);
                }
            }
        }
        words
    }
}

/// Whether a word means one of the values without a list in the mapping.
pub(super) fn is_default<W: Word>(word: &str) -> bool {
    W::defaults().iter().any(|(known, _)| known.eq_ignore_ascii_case(word))
}

/// What a word that is no default word most likely means: the value whose default word it contains.
pub(super) fn meaning<W: Word>(word: &str) -> Option<W> {
    let word = word.to_ascii_lowercase();
    let known = W::defaults().iter().filter(|(known, _)| word.contains(known));
    known.max_by_key(|(known, _)| known.len()).and_then(|&(_, value)| value)
}

fn is_time(value: &str) -> bool {
    let format = TimeFormat { unit: Some(TimeUnit::Second), zone: "UTC".parse().ok() };
    format.of_text(value).is_ok()
}

fn is_flag(value: &str) -> bool {
    ["true", "false", "t", "f", "yes", "no", "y", "n", "0", "1"].iter().any(|flag| flag.eq_ignore_ascii_case(value))
}
