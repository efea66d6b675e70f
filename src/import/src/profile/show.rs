//! A profile as text of at most 100 columns.

use std::fmt;

use super::record::{SampleRecord, SampleUser, iso};
use super::{ColumnProfile, Profile};
use crate::mapping::Kind;

/// Columns of text.
const WIDTH: usize = 100;

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, rows, bad_rows, .. } = self;
        line(f, format!("{log}: {rows} rows, {bad_rows} of them bad"))?;
        self.records.iter().enumerate().try_for_each(|(index, record)| write_record(f, index + 1, record))?;
        let title = ["field", "column", "nulls", "bad", "out", "values"];
        row(f, title.map(str::to_owned))?;
        for column in &self.columns {
            let count = |count: u64| if count == 0 { "-".to_owned() } else { count.to_string() };
            let counts = [count(column.nulls), count(column.bad), count(column.out_of_range)];
            let [nulls, bad, out] = counts;
            row(f, [column.field.to_owned(), column.column.clone(), nulls, bad, out, values(column)])?;
        }
        if self.columns.iter().any(|column| column.out_of_range > 0) {
            line(f, "out: out of range, a time before 2000 or later than tomorrow, or a negative count".to_owned())?;
        }
        if !self.reactions.is_empty() {
            let good = (rows - bad_rows).max(1);
            let share = |share: &super::ReactionShare| {
                format!("{} {:.2} %", share.name, 100.0 * share.rows as f64 / good as f64)
            };
            let shares: Vec<String> = self.reactions.iter().map(share).collect();
            line(f, format!("rows with a reaction: {}", shares.join(", ")))?;
        }
        // What is wrong is said in full.
        for column in &self.columns {
            if let Some(bad) = &column.first_bad {
                wrapped(f, &format!("row {}: column `{}` ({}): {}", bad.row, column.column, column.field, bad.what))?;
            }
        }
        if let Some(bad) = &self.first_bad_line {
            wrapped(f, &format!("row {}: {} (lines without a row: {})", bad.row, bad.what, self.bad_lines))?;
        }
        Ok(())
    }
}

fn write_record(f: &mut fmt::Formatter<'_>, number: usize, record: &SampleRecord) -> fmt::Result {
    let SampleRecord { tweet, time, language, n_tokens, .. } = record;
    line(f, format!("{number:>2} {tweet}  {time}  {}  language {language}", record.r#type))?;
    let tokens: Vec<String> = record.first_tokens.iter().map(u32::to_string).collect();
    let more = if *n_tokens > tokens.len() { " …" } else { "" };
    line(f, format!("   {n_tokens} tokens: {}{more}", tokens.join(" ")))?;
    let lists = [("hashtags", &record.hashtags), ("links", &record.links), ("domains", &record.domains)];
    let mut lists: Vec<String> = lists
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(name, list)| format!("{name} {}", list.join(" ")))
        .collect();
    if !record.media.is_empty() {
        lists.insert(0, format!("media {}", record.media.join(" ")));
    }
    if !lists.is_empty() {
        line(f, format!("   {}", lists.join("  ")))?;
    }
    let follows = if record.follows { ", connected" } else { "" };
    line(f, format!("   author {}", user(&record.author)))?;
    line(f, format!("   reader {}{follows}", user(&record.reader)))?;
    if !record.reactions.is_empty() {
        let reactions: Vec<String> = record.reactions.iter().map(|(name, time)| format!("{name} {time}")).collect();
        line(f, format!("   {}", reactions.join("  ")))?;
    }
    Ok(())
}

fn user(user: &SampleUser) -> String {
    let SampleUser { id, followers, following, verified, created } = user;
    let verified = if *verified { ", verified" } else { "" };
    format!("{} ({followers} followers, {following} following, since {created}{verified})", cut(id, 34))
}

/// The range of values, or the words.
fn values(column: &ColumnProfile) -> String {
    if !column.words.is_empty() {
        return format!("{}{}", column.words.join(", "), if column.has_more_words { ", …" } else { "" });
    }
    let shown =
        |value: i64| if column.is_time() { iso(value).replace('T', " ").replace('Z', "") } else { value.to_string() };
    match (column.least, column.greatest) {
        (Some(least), Some(greatest)) => {
            let unit = if matches!(column.of.kind(), Kind::Text | Kind::Tokens) { " tokens" } else { "" };
            format!("{} … {}{unit}", shown(least), shown(greatest))
        }
        _ => String::new(),
    }
}

fn row(f: &mut fmt::Formatter<'_>, cells: [String; 6]) -> fmt::Result {
    let [field, column, nulls, bad, out, values] = cells;
    let (field, column) = (cut(&field, 17), cut(&column, 16));
    line(f, format!("{field:17} {column:16} {nulls:>7} {bad:>7} {out:>7} {values}"))
}

/// A line, cut at the width; control characters of the log's texts become spaces.
fn line(f: &mut fmt::Formatter<'_>, text: String) -> fmt::Result {
    writeln!(f, "{}", cut(&text, WIDTH).trim_end())
}

fn cut(text: &str, width: usize) -> String {
    let mut shown: String = text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(width + 1).collect();
    if shown.chars().count() > width {
        shown = shown.chars().take(width - 1).collect();
        shown.push('…');
    }
    shown
}

/// A text in lines that end between words.
fn wrapped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut length = 0;
    for word in text.split_whitespace() {
        let word = cut(word, WIDTH - 2);
        let next = word.chars().count();
        match length {
            0 => {}
            length if length + 1 + next > WIDTH => write!(f, "\n  ")?,
            _ => write!(f, " ")?,
        }
        length = match length {
            0 => next,
            length if length + 1 + next > WIDTH => 2 + next,
            length => length + 1 + next,
        };
        write!(f, "{word}")?;
    }
    writeln!(f)
}
