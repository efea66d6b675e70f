//! KEYED: rows that are the same as the last row with the same id need not be stored.

use std::borrow::Cow;

use super::chunk::ChunkReader;
use super::column::{Column, ColumnRef, Element, Values, ValuesRef, each};
use super::error::Damage;
use super::first_seen::FirstSeen;
use super::spare::Spare;
use crate::Id;

/// One in so many rows must be left out for KEYED to pay. Measured (see `COLUMNAR.md`): 8 makes parts 7.4 % larger, up
/// to 128 they are the same.
const LEFT_OUT_OF: usize = 32;

/// The rows of a block by their key: made once for all the columns that have it.
pub(super) struct KeyRows {
    /// First row of every key, ascending.
    first: Vec<u32>,
    /// Every other row, ascending, and the last row before it with the same key.
    later: Vec<[u32; 2]>,
}

impl KeyRows {
    /// `None` where ids are not stored in a dictionary and so cannot be keys: enough of them must repeat, and there
    /// must be two at least.
    pub(super) fn of(keys: &FirstSeen<Id>) -> Option<Self> {
        if !keys.pays() || keys.distinct.len() < 2 {
            return None;
        }
        let mut last = vec![0; keys.distinct.len()];
        let mut first = Vec::with_capacity(keys.distinct.len());
        let mut later = Vec::with_capacity(keys.indices.len() - keys.distinct.len());
        for (row, &key) in (0..).zip(&keys.indices) {
            // Keys are numbered in the order of their first rows.
            if key as usize == first.len() {
                first.push(row);
            } else {
                later.push([row, last[key as usize]]);
            }
            last[key as usize] = row;
        }
        Some(Self { first, later })
    }

    /// Which rows of a column are stored; `None` where so few are left out that it does not pay.
    pub(super) fn kept(&self, column: ColumnRef<'_>) -> Option<Kept<'_>> {
        let changed = match column {
            ColumnRef::Flat(values) => {
                each!(values, ValuesRef, values => self.changed(|a, b| values[a] != values[b]))
            }
            ColumnRef::List { offsets, values } => each!(values, ValuesRef, values => self.changed(|a, b| {
                let list = |row: usize| &values[offsets[row] as usize..offsets[row + 1] as usize];
                list(a) != list(b)
            })),
        };
        let (rows, left_out) = (self.first.len() + self.later.len(), changed.iter().filter(|&&flag| flag == 0).count());
        if left_out < rows / LEFT_OUT_OF || left_out == 0 {
            return None;
        }
        let rows =
            if left_out == changed.len() { Cow::Borrowed(&self.first[..]) } else { self.merged(&changed).into() };
        Some(Kept { rows, changed })
    }

    /// For every later row whether its value is another than that of the row before: whoever is equal to the row before
    /// is equal to the row that is stored for it.
    fn changed(&self, differ: impl Fn(usize, usize) -> bool) -> Vec<u32> {
        self.later.iter().map(|&[row, before]| u32::from(differ(row as usize, before as usize))).collect()
    }

    /// The first rows and those that changed.
    fn merged(&self, changed: &[u32]) -> Vec<u32> {
        let mut rows = Vec::with_capacity(self.first.len() + changed.len());
        let mut first = self.first.iter().copied().peekable();
        for (&[row, _], _) in self.later.iter().zip(changed).filter(|&(_, &flag)| flag != 0) {
            while let Some(earlier) = first.next_if(|&first| first < row) {
                rows.push(earlier);
            }
            rows.push(row);
        }
        rows.extend(first);
        rows
    }
}

/// Which rows of a column are stored, and for every later row of a key whether it is one of them.
pub(super) struct Kept<'k> {
    pub(super) rows: Cow<'k, [u32]>,
    pub(super) changed: Vec<u32>,
}

/// Which stored row each row is, from the rows' key numbers (`keys` of them) and the `changed` flags.
pub(super) fn stored_rows(
    indices: &[u32],
    keys: usize,
    changed: &[u32],
    kept: usize,
    chunk: &ChunkReader<'_>,
) -> Result<Vec<u32>, Damage> {
    let mut last = vec![u32::MAX; keys];
    let mut changed = changed.iter();
    let mut next = 0;
    let mut rows = Vec::with_capacity(indices.len());
    for &key in indices {
        let last = &mut last[key as usize];
        let fresh = match *last {
            u32::MAX => true,
            _ => match changed.next() {
                Some(&flag) => flag != 0,
                None => return Err(chunk.damage("keys repeat more often than there are flags for")),
            },
        };
        if fresh {
            *last = next;
            next += 1;
        }
        rows.push(*last);
    }
    if next as usize == kept && changed.next().is_none() {
        Ok(rows)
    } else {
        Err(chunk.damage(format!("keys ask for {next} stored rows of {kept}")))
    }
}

/// The rows given, in that order; they must be there. Lists go into spare memory.
pub(super) fn gather(column: ColumnRef<'_>, rows: &[u32], spare: &mut Spare) -> Column {
    match column {
        ColumnRef::Flat(values) => Column::Flat(each!(values, ValuesRef, values => gather_flat(values, rows))),
        ColumnRef::List { offsets, values } => {
            let values = match values {
                ValuesRef::U32(values) => {
                    Values::U32(gather_lists(offsets, values, rows, std::mem::take(&mut spare.numbers)))
                }
                ValuesRef::Id(values) => {
                    Values::Id(gather_lists(offsets, values, rows, std::mem::take(&mut spare.ids)))
                }
                _ => each!(values, ValuesRef, values => {
                    Element::into_values(gather_lists(offsets, values, rows, Vec::new()))
                }),
            };
            Column::List { offsets: gathered_offsets(offsets, rows), values }
        }
    }
}

/// Puts the memory of a gathered column back.
pub(super) fn give_back(column: Column, spare: &mut Spare) {
    match column {
        Column::List { values: Values::U32(numbers), .. } => spare.numbers = numbers,
        Column::List { values: Values::Id(ids), .. } => spare.ids = ids,
        _ => {}
    }
}

fn gather_lists<T: Copy>(offsets: &[u32], values: &[T], rows: &[u32], mut gathered: Vec<T>) -> Vec<T> {
    let place = |row: u32| offsets[row as usize] as usize;
    gathered.clear();
    gathered.reserve(rows.iter().map(|&row| place(row + 1) - place(row)).sum());
    for run in runs(rows) {
        gathered.extend_from_slice(&values[place(run[0])..place(run[run.len() - 1] + 1)]);
    }
    gathered
}

/// Rows in runs of those that follow each other.
fn runs(rows: &[u32]) -> impl Iterator<Item = &[u32]> {
    rows.chunk_by(|&row, &next| row + 1 == next)
}

/// The stored rows that [`stored_rows`] gave. Lists are moved within the memory they are in: a block's tokens are
/// large, and to touch new memory costs more than to decode them.
pub(super) fn expand(column: Column, rows: &[u32]) -> Column {
    match column {
        Column::Flat(values) => Column::Flat(each!(&values, Values, values => gather_flat(values, rows))),
        Column::List { offsets, mut values } => {
            let new_offsets = gathered_offsets(&offsets, rows);
            each!(&mut values, Values, values => expand_lists(values, &offsets, rows, &new_offsets));
            Column::List { offsets: new_offsets, values }
        }
    }
}

fn expand_lists<T: Copy>(values: &mut Vec<T>, offsets: &[u32], rows: &[u32], new_offsets: &[u32]) {
    let Some(&any) = values.first() else { return };
    let place = |offsets: &[u32], row: usize| offsets[row] as usize;
    values.resize(place(new_offsets, rows.len()), any);
    // From the last row to the first. No row is stored behind its new place, because every stored row before it has a
    // place of its own before it; so what is overwritten has been moved or copied by all that need it.
    let mut end = rows.len();
    while end > 0 {
        // Rows that follow each other are moved in one go.
        let mut start = end - 1;
        while start > 0 && rows[start - 1] + 1 == rows[start] {
            start -= 1;
        }
        let (first, last) = (rows[start] as usize, rows[end - 1] as usize);
        let (from, to) = (place(offsets, first), place(new_offsets, start));
        if from != to {
            values.copy_within(from..place(offsets, last + 1), to);
        }
        end = start;
    }
}

fn gathered_offsets(offsets: &[u32], rows: &[u32]) -> Vec<u32> {
    let mut end = 0;
    let ends = rows.iter().map(|&row| {
        end += offsets[row as usize + 1] - offsets[row as usize];
        end
    });
    std::iter::once(0).chain(ends).collect()
}

fn gather_flat<T: Element>(values: &[T], rows: &[u32]) -> Values {
    T::into_values(rows.iter().map(|&row| values[row as usize]).collect())
}

/// Number of values the rows given have together.
pub(super) fn gathered_values(column: ColumnRef<'_>, rows: &[u32]) -> usize {
    match column {
        ColumnRef::Flat(_) => rows.len(),
        ColumnRef::List { offsets, .. } => {
            rows.iter().map(|&row| (offsets[row as usize + 1] - offsets[row as usize]) as usize).sum()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_expand_in_place() {
        // Stored lists of 0 to 3 items; rows take the next one or any before it.
        let mut random = 12_345u64;
        let mut draw = |below: u32| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as u32 % below
        };
        for stored in 1..60 {
            let lengths: Vec<u32> = (0..stored).map(|_| draw(4)).collect();
            let ends = lengths.iter().scan(0, |end, length| {
                *end += length;
                Some(*end)
            });
            let offsets: Vec<u32> = std::iter::once(0).chain(ends).collect();
            let values: Vec<u32> = (0..offsets[stored as usize]).collect();
            let (mut rows, mut next) = (Vec::new(), 0);
            while next < stored {
                let fresh = next == 0 || draw(3) > 0;
                rows.push(if fresh { next } else { draw(next) });
                next += u32::from(fresh);
            }
            let column = Column::List { offsets, values: Values::U32(values) };
            assert_eq!(expand(column.clone(), &rows), gather(column.as_ref(), &rows, &mut Spare::default()));
        }
    }
}
