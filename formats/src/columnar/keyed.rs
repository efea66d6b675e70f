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
            let mut end = 0;
            let ends = rows.iter().map(|&row| {
                end += list(row).len() as u32;
                end
            });
            let new_offsets: Vec<u32> = std::iter::once(0).chain(ends).collect();
            let values = each!(values, ValuesRef, values => {
                let mut gathered = Vec::with_capacity(end as usize);
                rows.iter().for_each(|&row| gathered.extend_from_slice(&values[list(row)]));
                Element::into_values(gathered)
            });
            Column::List { offsets: new_offsets, values }
        }
    }
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
