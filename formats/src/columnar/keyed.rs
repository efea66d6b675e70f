//! KEYED: rows that are the same as the last row with the same id need not be stored.

use super::chunk::ChunkReader;
use super::column::{Column, ColumnRef, Element, Values, ValuesRef, each};
use super::error::Damage;
use super::ids::FirstSeen;

/// Which rows of a column are stored, and for every later row of a key whether it is one of them.
pub(super) struct Kept {
    pub(super) rows: Vec<u32>,
    pub(super) changed: Vec<u32>,
}

impl Kept {
    /// `None` where so few rows are left out that it does not pay.
    pub(super) fn of(column: ColumnRef<'_>, keys: &FirstSeen) -> Option<Self> {
        let kept = match column {
            ColumnRef::Flat(values) => {
                each!(values, ValuesRef, values => Self::by(keys, |a, b| values[a] == values[b]))
            }
            ColumnRef::List { offsets, values } => each!(values, ValuesRef, values => Self::by(keys, |a, b| {
                let list = |row: usize| &values[offsets[row] as usize..offsets[row + 1] as usize];
                list(a) == list(b)
            })),
        };
        let left_out = keys.indices.len() - kept.rows.len();
        (left_out >= keys.indices.len() / 32 && left_out > 0).then_some(kept)
    }

    fn by(keys: &FirstSeen, equal: impl Fn(usize, usize) -> bool) -> Self {
        let mut last = vec![u32::MAX; keys.distinct.len()];
        let (mut rows, mut changed) = (Vec::new(), Vec::new());
        for (row, &key) in (0..).zip(&keys.indices) {
            let last = &mut last[key as usize];
            if *last != u32::MAX {
                let same = equal(*last as usize, row as usize);
                changed.push(u32::from(!same));
                if same {
                    continue;
                }
            }
            rows.push(row);
            *last = row;
        }
        Self { rows, changed }
    }
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

/// The rows given, in that order; they must be there.
pub(super) fn gather(column: ColumnRef<'_>, rows: &[u32]) -> Column {
    match column {
        ColumnRef::Flat(values) => Column::Flat(each!(values, ValuesRef, values => gather_flat(values, rows))),
        ColumnRef::List { offsets, values } => {
            let list = |row: u32| offsets[row as usize] as usize..offsets[row as usize + 1] as usize;
            let values = each!(values, ValuesRef, values => {
                let mut gathered = Vec::new();
                rows.iter().for_each(|&row| gathered.extend_from_slice(&values[list(row)]));
                Element::into_values(gathered)
            });
            Column::List { offsets: gathered_offsets(offsets, rows), values }
        }
    }
}

/// The stored rows that [`stored_rows`] gave. Lists are moved within the memory they are in: a block's tokens are
/// large, and to touch new memory costs more than to decode them.
pub(super) fn expand(column: Column, rows: &[u32]) -> Column {
    match column {
        Column::Flat(_) => gather(column.as_ref(), rows),
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
            assert_eq!(expand(column.clone(), &rows), gather(column.as_ref(), &rows));
        }
    }
}
