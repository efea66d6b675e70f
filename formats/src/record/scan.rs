//! Records from text that is in memory as a whole, such as a mapped part: the fast parser.

use super::append::Line;
use super::error::Fault;
use super::field::fields_of;
#[cfg(target_arch = "x86_64")]
use super::wide::WideReader;
use super::{
    FIELD_SEPARATOR, FieldCount, LIST_SEPARATOR, MAX_RECORD_BYTES, Media, NO_REACTION, RecordBatch, RecordError,
    RecordOptions, TweetType, Users,
};
use crate::{Id, Lists, Reaction};

/// Reads a text's records one after the other.
///
/// ```
/// use skimlog_formats::record::{RecordBatch, RecordOptions, RecordScanner};
/// # let text: &[u8] = include_bytes!("../../fixtures/labelled");
/// let (mut batch, mut scanner) = (RecordBatch::default(), RecordScanner::new(text, RecordOptions::default()));
/// while let Some(outcome) = scanner.read(&mut batch) {
///     if let Err(error) = outcome {
///         // The batch is as it was, and the next read goes on after the bad line.
///         eprintln!("part-00000:{error}");
///     }
/// }
/// assert_eq!(batch.rows, 200);
/// ```
///
/// A line goes through hand-written field readers first. They take canonical records only; any other line is read
/// again field by field, which names the fault.
#[derive(Debug)]
pub struct RecordScanner<'a> {
    rest: &'a [u8],
    options: RecordOptions,
    last: &'a [u8],
    line: u64,
    offset: u64,
    #[cfg(target_arch = "x86_64")]
    wide: Option<WideReader>,
}

impl<'a> RecordScanner<'a> {
    /// A scanner of a whole input.
    pub fn new(text: &'a [u8], options: RecordOptions) -> Self {
        Self::starting_at(text, options, 1, 0)
    }

    /// A scanner of a piece of a larger input that begins at a line's beginning: its 1-based `line` and its byte
    /// `offset`.
    pub fn starting_at(text: &'a [u8], options: RecordOptions, line: u64, offset: u64) -> Self {
        Self {
            rest: text,
            options,
            last: &[],
            line,
            offset,
            #[cfg(target_arch = "x86_64")]
            wide: WideReader::new(),
        }
    }

    /// Adds the next record to `batch`; `None` at the end of the text. After an error the batch is as it was, and the
    /// next call goes on with the next line.
    ///
    /// # Errors
    /// [`RecordError`] for a line that is no record. The last line's newline may be missing.
    ///
    /// # Panics
    /// If `batch` holds records of another number of fields.
    #[inline]
    pub fn read(&mut self, batch: &mut RecordBatch) -> Option<Result<(), RecordError>> {
        if self.rest.is_empty() {
            return None;
        }
        #[cfg(target_arch = "x86_64")]
        if self.read_wide(batch) {
            return Some(Ok(()));
        }
        let newline = memchr::memchr(b'\n', self.rest);
        let (line, rest) = self.rest.split_at(newline.unwrap_or(self.rest.len()));
        (self.last, self.rest) = (line, rest.get(1..).unwrap_or_default());
        let outcome = self.read_line(line, batch).map_err(|fault| fault.at(self.line, self.offset, line.len()));
        self.line += 1;
        self.offset += line.len() as u64 + 1;
        Some(outcome)
    }

    /// Text of the line that the last read was about, without its newline.
    pub fn line_text(&self) -> &'a [u8] {
        self.last
    }

    /// How many fields the records have, as soon as that is known.
    pub fn fields(&self) -> Option<FieldCount> {
        self.options.fields
    }

    /// Adds the next record the widest way, or leaves it to the others.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn read_wide(&mut self, batch: &mut RecordBatch) -> bool {
        let (Some(wide), Some(fields)) = (&mut self.wide, self.options.fields) else { return false };
        let row = batch.rows;
        batch.begin(fields);
        let Some(length) = wide.read(self.rest, fields, self.options.vocabulary, batch) else {
            batch.roll_back(row);
            return false;
        };
        batch.rows += 1;
        (self.last, self.rest) = (&self.rest[..length], &self.rest[length + 1..]);
        self.line += 1;
        self.offset += length as u64 + 1;
        true
    }

    #[inline]
    fn read_line(&mut self, line: &[u8], batch: &mut RecordBatch) -> Result<(), Fault> {
        if let Some(fields) = self.options.fields.filter(|_| line.len() <= MAX_RECORD_BYTES) {
            let row = batch.rows;
            batch.begin(fields);
            if Cursor(line).record(fields, self.options.vocabulary, batch).is_some() {
                batch.rows += 1;
                return Ok(());
            }
            batch.roll_back(row);
        }
        // From a copy: in a mapped part that is cut meanwhile, the second look would find other fields than the first.
        let line = &*line.to_vec();
        let fields = line.split(|&byte| byte == FIELD_SEPARATOR);
        let line = Line { fields, count: fields_of(line), bytes: line.len(), first: self.line == 1 };
        line.append(&mut self.options, batch)
    }
}

/// What is left of a line. Every reader returns `None` for text that is not canonical.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    #[inline]
    fn record(mut self, fields: FieldCount, vocabulary: u32, batch: &mut RecordBatch) -> Option<()> {
        self.tokens(vocabulary, &mut batch.tokens)?;
        self.list(&mut batch.hashtags, Self::id)?;
        batch.tweet.push(self.then_separator(Self::id)?);
        self.list(&mut batch.media, Self::media)?;
        self.list(&mut batch.links, Self::id)?;
        self.list(&mut batch.domains, Self::id)?;
        batch.tweet_type.push(self.then_separator(Self::tweet_type)?);
        batch.language.push(self.then_separator(Self::id)?);
        batch.tweet_time.push(self.then_separator(Self::number)?);
        self.user(&mut batch.author)?;
        self.user(&mut batch.reader)?;
        batch.author_follows_reader.push(self.flag()?);
        if fields.has_reactions() {
            let times = batch.reactions.as_mut()?;
            for reaction in Reaction::RECORD_ORDER {
                self.separator()?;
                let none = self.0.first().is_none_or(|&byte| byte == FIELD_SEPARATOR);
                times[reaction].push(if none { NO_REACTION } else { self.number()? });
            }
        }
        self.0.is_empty().then_some(())
    }

    /// A list of token ids and the separator after it, eight bytes at a time.
    #[inline]
    fn tokens(&mut self, vocabulary: u32, lists: &mut Lists<u32>) -> Option<()> {
        loop {
            // A token id has seven digits at most here, so that it and the byte after it fit into eight bytes. A
            // record is longer than that to the end.
            let word = u64::from_le_bytes(*self.0.first_chunk()?);
            let digits = word ^ 0x3030_3030_3030_3030;
            // The high bit of every byte that is no digit. The addition may carry out of such a byte into the ones
            // after it, which does not matter: only the first one counts.
            let others = (digits | digits.wrapping_add(0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080;
            let length = others.trailing_zeros() as usize / 8;
            if length == 0 || length == 8 || (digits & 0xFF == 0 && length > 1) {
                return None;
            }
            let token = eight_digits(digits << (64 - 8 * length));
            if token >= vocabulary {
                return None;
            }
            lists.push_value(token);
            let end = self.0[length];
            self.0 = &self.0[length + 1..];
            match end {
                LIST_SEPARATOR => {}
                FIELD_SEPARATOR => break,
                _ => return None,
            }
        }
        lists.close();
        Some(())
    }

    /// A list, possibly empty, and the separator after it.
    #[inline]
    fn list<T>(&mut self, lists: &mut Lists<T>, item: impl Fn(&mut Self) -> Option<T>) -> Option<()> {
        if self.separator().is_none() {
            loop {
                lists.push_value(item(self)?);
                let (&end, rest) = self.0.split_first()?;
                self.0 = rest;
                match end {
                    LIST_SEPARATOR => {}
                    FIELD_SEPARATOR => break,
                    _ => return None,
                }
            }
        }
        lists.close();
        Some(())
    }

    #[inline]
    fn user(&mut self, users: &mut Users) -> Option<()> {
        users.id.push(self.then_separator(Self::id)?);
        users.followers.push(self.then_separator(Self::number)?);
        users.following.push(self.then_separator(Self::number)?);
        users.verified.push(self.then_separator(Self::flag)?);
        users.created.push(self.then_separator(Self::number)?);
        Some(())
    }

    #[inline]
    fn id(&mut self) -> Option<Id> {
        let (digits, rest) = self.0.split_at_checked(32)?;
        self.0 = rest;
        Id::parse(digits).ok()
    }

    /// A number of at most 18 digits: longer ones may not fit.
    #[inline]
    fn number(&mut self) -> Option<i64> {
        let digits = self.0.strip_prefix(b"-").unwrap_or(self.0);
        let (mut value, mut length) = (0i64, 0);
        while let Some(digit) = digits.get(length).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
            if length == 18 {
                return None;
            }
            value = 10 * value + i64::from(digit);
            length += 1;
        }
        let negative = digits.len() < self.0.len();
        if length == 0 || (digits[0] == b'0' && (length > 1 || negative)) {
            return None;
        }
        self.0 = &digits[length..];
        Some(if negative { -value } else { value })
    }

    #[inline]
    fn flag(&mut self) -> Option<bool> {
        self.word([("false", false), ("true", true)])
    }

    #[inline]
    fn media(&mut self) -> Option<Media> {
        self.word(Media::ALL.map(|media| (media.name(), media)))
    }

    #[inline]
    fn tweet_type(&mut self) -> Option<TweetType> {
        self.word(TweetType::ALL.map(|kind| (kind.name(), kind)))
    }

    /// One of a few words, none of which begins another.
    #[inline]
    fn word<T: Copy, const N: usize>(&mut self, words: [(&str, T); N]) -> Option<T> {
        let (word, value) = words.into_iter().find(|(word, _)| self.0.starts_with(word.as_bytes()))?;
        self.0 = &self.0[word.len()..];
        Some(value)
    }

    #[inline]
    fn separator(&mut self) -> Option<()> {
        self.0 = self.0.strip_prefix(&[FIELD_SEPARATOR])?;
        Some(())
    }

    #[inline]
    fn then_separator<T>(&mut self, value: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let value = value(self)?;
        self.separator()?;
        Some(value)
    }
}

/// The number that eight decimal digits make; the first digit is the lowest byte. Neighbours are joined three times:
/// to four numbers below 100, to two below 10,000, to one.
#[inline]
fn eight_digits(digits: u64) -> u32 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let high = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(100 + (1_000_000 << 32));
    let low = (pairs >> 16 & 0x0000_00FF_0000_00FF).wrapping_mul(1 + (10_000 << 32));
    (high.wrapping_add(low) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Parsed, RecordParser, sample, write_record};
    use proptest::prelude::*;

    /// Everything a reader says about a text: the batch, the errors, the bad lines, the number of fields.
    type Reading = (RecordBatch, Vec<RecordError>, Vec<Vec<u8>>, Option<FieldCount>);

    fn scanned(text: &[u8], options: RecordOptions) -> Reading {
        let mut scanner = RecordScanner::new(text, options);
        let (mut batch, mut errors, mut lines) = (RecordBatch::default(), Vec::new(), Vec::new());
        while let Some(outcome) = scanner.read(&mut batch) {
            if let Err(error) = outcome {
                errors.push(error);
                lines.push(scanner.line_text().to_vec());
            }
        }
        (batch, errors, lines, scanner.fields())
    }

    fn pushed(text: &[u8], borders: &[usize], options: RecordOptions) -> Reading {
        let mut parser = RecordParser::new(options);
        let (mut batch, mut errors, mut lines) = (RecordBatch::default(), Vec::new(), Vec::new());
        let mut borders: Vec<usize> = borders.iter().map(|border| border % (text.len() + 1)).collect();
        borders.extend([0, text.len()]);
        borders.sort_unstable();
        for piece in borders.windows(2) {
            let mut piece = &text[piece[0]..piece[1]];
            while !piece.is_empty() {
                let (taken, parsed) = parser.push(piece, &mut batch);
                piece = &piece[taken..];
                match parsed {
                    Parsed::Incomplete => assert!(piece.is_empty()),
                    Parsed::Record => {}
                    Parsed::Bad(error) => {
                        errors.push(error);
                        lines.push(parser.line_text());
                    }
                }
            }
        }
        if let Parsed::Bad(error) = parser.finish(&mut batch) {
            errors.push(error);
            lines.push(parser.line_text());
        }
        (batch, errors, lines, parser.fields())
    }

    fn text_of(batch: &RecordBatch) -> Vec<u8> {
        let mut text = Vec::new();
        (0..batch.rows).for_each(|row| write_record(batch, row, &mut text));
        text
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(batch in sample::batches(1..20)) {
            let text = text_of(&batch);
            let (read, errors, ..) = scanned(&text, RecordOptions::default());
            prop_assert_eq!(errors, []);
            prop_assert_eq!(read, batch);
        }

        #[test]
        fn both_ways_agree_on_damaged_text(
            batch in sample::batches(1..8),
            damage in prop::collection::vec((any::<usize>(), 0..4u8, sample::bytes()), 0..4),
            borders in prop::collection::vec(any::<usize>(), 0..8),
            fields in prop::option::of(prop::sample::select(vec![FieldCount::Labelled, FieldCount::Unlabelled])),
        ) {
            let mut text = text_of(&batch);
            for (at, kind, byte) in damage {
                if text.is_empty() {
                    break;
                }
                let at = at % text.len();
                match kind {
                    0 => text[at] = byte,
                    1 => text.insert(at, byte),
                    2 => drop(text.remove(at)),
                    _ => text.truncate(at),
                }
            }
            let options = RecordOptions { fields, ..RecordOptions::default() };
            let reading = scanned(&text, options);
            prop_assert_eq!(&pushed(&text, &borders, options), &reading);
            // What was accepted is what a writer gives back; the rest is quoted whole.
            let (batch, errors, lines, _) = reading;
            let accepted = text_of(&batch);
            let mut expected = Vec::new();
            let mut bad = errors.iter().zip(&lines).peekable();
            for (line, number) in text.split_inclusive(|&byte| byte == b'\n').zip(1..) {
                if let Some((error, quoted)) = bad.next_if(|(error, _)| error.line == number) {
                    prop_assert_eq!(line.strip_suffix(b"\n").unwrap_or(line), &quoted[..]);
                    prop_assert_eq!(&text[error.offset as usize..][..error.length], &quoted[..]);
                } else {
                    expected.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
                    expected.push(b'\n');
                }
            }
            prop_assert!(bad.next().is_none());
            prop_assert_eq!(accepted, expected);
        }

        #[test]
        fn eight_digits_make_their_number(number in 0u32..100_000_000) {
            let text = format!("{number:08}");
            let digits = u64::from_le_bytes(text.as_bytes().try_into().unwrap()) ^ 0x3030_3030_3030_3030;
            prop_assert_eq!(eight_digits(digits), number);
        }
    }

    #[test]
    fn no_line_of_a_real_part_needs_the_slow_way() {
        let text = include_bytes!("../../fixtures/labelled");
        let mut batch = RecordBatch::default();
        batch.begin(FieldCount::Labelled);
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            assert!(Cursor(line).record(FieldCount::Labelled, 119_547, &mut batch).is_some());
        }
    }
}
