//! Canonical records read many bytes at a time, on processors with AVX2.
//!
//! A first pass over a line finds its separators, as bits of 64 bytes at a time; then every field is known by its place
//! and is read on its own, four tokens at a time. What is wrong is gathered on the way and looked at once, in the end.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_and_si128, _mm_cmpgt_epi8, _mm_cvtsi128_si64, _mm_madd_epi16, _mm_maddubs_epi16,
    _mm_packus_epi32, _mm_set1_epi8, _mm_set1_epi16, _mm_set1_epi32, _mm_setr_epi8, _mm_subs_epu8, _mm_testz_si128,
    _mm_xor_si128, _mm256_add_epi8, _mm256_add_epi64, _mm256_and_si256, _mm256_andnot_si256, _mm256_castsi256_si128,
    _mm256_cmpeq_epi8, _mm256_cmpeq_epi64, _mm256_cmpgt_epi64, _mm256_cvtepu32_epi64, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_min_epu8, _mm256_mul_epu32, _mm256_or_si256, _mm256_packus_epi16,
    _mm256_permute4x64_epi64, _mm256_permutevar8x32_epi32, _mm256_set_epi64x, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setr_epi32, _mm256_setzero_si256, _mm256_slli_epi64,
    _mm256_sllv_epi64, _mm256_srli_epi64, _mm256_sub_epi8, _mm256_sub_epi64, _mm256_subs_epu8, _mm256_testz_si256,
    _mm256_xor_si256,
};

use super::ends::{self, AT_ONCE, FieldEnds, MOST_FIELDS, MOST_TOKENS};
use super::{Field, FieldCount, LIST_SEPARATOR, Media, NO_REACTION, RecordBatch, TweetType, Users, value};
use crate::{Id, Lists, Reaction};

/// Reads canonical records.
#[derive(Debug)]
pub(super) struct WideReader {
    /// Where the tokens end, after the place before the first one.
    ends: Box<[u32; MOST_TOKENS + 2 * AT_ONCE]>,
    tokens: Box<[u32; MOST_TOKENS + 2 * AT_ONCE]>,
    /// Whether the processor has what the wider functions of [`ends`] need.
    avx512: bool,
}

impl WideReader {
    /// `None` on processors without AVX2.
    pub(super) fn new() -> Option<Self> {
        let able =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt");
        able.then(|| Self { ends: Box::new([0; _]), tokens: Box::new([0; _]), avx512: ends::has_avx512() })
    }

    /// Adds the record that `text` begins with to `batch`, all but its count of rows, and gives the line's length
    /// without its newline. `None`, with the batch in disorder, for a line that is not canonical, longer than is usual
    /// or too near to the end of the text: others must read it.
    #[inline]
    pub(super) fn read(
        &mut self,
        text: &[u8],
        fields: FieldCount,
        vocabulary: u32,
        batch: &mut RecordBatch,
    ) -> Option<usize> {
        // SAFETY: there is no reader unless the processor has what the function needs.
        unsafe { self.record(text, fields, vocabulary, batch) }
    }

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    fn record(&mut self, text: &[u8], fields: FieldCount, vocabulary: u32, batch: &mut RecordBatch) -> Option<usize> {
        let tokens = self.token_ends(text)?;
        self.tokens(text, tokens, vocabulary)?;
        let ends = self.field_ends(text, self.ends[tokens] as usize, fields)?;
        batch.tokens.push(&self.tokens[..tokens]);
        let mut line = Line { text, ends: &ends.places, invalid: _mm256_setzero_si256() };
        line.ids(Field::Hashtags, &mut batch.hashtags)?;
        batch.tweet.push(line.id(Field::Tweet)?);
        line.media(&mut batch.media)?;
        line.ids(Field::Links, &mut batch.links)?;
        line.ids(Field::Domains, &mut batch.domains)?;
        batch.tweet_type.push(line.tweet_type()?);
        batch.language.push(line.id(Field::Language)?);
        batch.tweet_time.push(line.number(Field::TweetTime as usize)?);
        line.user(Field::Author, &mut batch.author)?;
        line.user(Field::Reader, &mut batch.reader)?;
        batch.author_follows_reader.push(line.flag(Field::AuthorFollowsReader as usize)?);
        if fields.has_reactions() {
            let times = batch.reactions.as_mut()?;
            for reaction in Reaction::RECORD_ORDER {
                // Most reactions did not happen.
                let field = Field::time_of(reaction) as usize;
                let time = if line.is_empty(field) { NO_REACTION } else { line.reaction_time(field)? };
                times[reaction].push(time);
            }
        }
        (_mm256_testz_si256(line.invalid, line.invalid) == 1).then_some(ends.length)
    }

    /// Finds where the tokens end; gives how many there are.
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    #[inline]
    fn token_ends(&mut self, text: &[u8]) -> Option<usize> {
        // The place before the first token: one more is zero.
        self.ends[0] = u32::MAX;
        if self.avx512 {
            // SAFETY: the processor was asked for what the function needs.
            unsafe { ends::token_ends_512(text, &mut self.ends[1..]) }
        } else {
            ends::token_ends(text, &mut self.ends[1..])
        }
    }

    /// Finds where the fields end; `None` if there is another number of them.
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    #[inline]
    fn field_ends(&self, text: &[u8], first: usize, fields: FieldCount) -> Option<FieldEnds> {
        if self.avx512 {
            // SAFETY: as above.
            unsafe { ends::field_ends_512(text, first, fields) }
        } else {
            ends::field_ends(text, first, fields)
        }
    }

    /// Reads so many tokens.
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    fn tokens(&mut self, text: &[u8], count: usize, vocabulary: u32) -> Option<()> {
        // Lists that end within four tokens are read to the fourth, with anything that lies there.
        let end = self.ends[count];
        self.ends[count + 1..count + 4].copy_from_slice(&[end + 2, end + 4, end + 6]);
        let largest = _mm256_set1_epi64x(i64::from(vocabulary) - 1);
        let mut invalid = _mm256_setzero_si256();
        let mut at = 0;
        while at < count {
            let places: &[u32; 5] = self.ends[at..].first_chunk()?;
            let start = |token: usize| places[token].wrapping_add(1) as usize;
            let word = |token: usize| Some(i64::from_le_bytes(*text.get(start(token)..)?.first_chunk()?));
            let words = _mm256_set_epi64x(word(3)?, word(2)?, word(1)?, word(0)?);
            let ends = _mm256_cvtepu32_epi64(load_four(places[1..].first_chunk()?));
            let starts = _mm256_set_epi64x(start(3) as i64, start(2) as i64, start(1) as i64, start(0) as i64);
            let length = _mm256_sub_epi64(ends, starts);
            // What follows a token is shifted out; zeros come before its digits.
            let shift = _mm256_sub_epi64(_mm256_set1_epi64x(64), _mm256_slli_epi64::<3>(length));
            let digits = _mm256_xor_si256(words, _mm256_set1_epi8(b'0' as i8));
            let digits = _mm256_sllv_epi64(digits, shift);
            let pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(10 | 1 << 8));
            let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(100 | 1 << 16));
            let high = _mm256_mul_epu32(fours, _mm256_set1_epi64x(10_000));
            let tokens = _mm256_add_epi64(high, _mm256_srli_epi64::<32>(fours));
            let first = _mm256_and_si256(words, _mm256_set1_epi64x(0xFF));
            let zero = _mm256_cmpeq_epi64(first, _mm256_set1_epi64x(i64::from(b'0')));
            let leading_zero = _mm256_and_si256(zero, _mm256_cmpgt_epi64(length, _mm256_set1_epi64x(1)));
            // Lengths from 1 to 7 have a shift that is neither 0 nor 64.
            let in_range = _mm256_cmpgt_epi64(_mm256_set1_epi64x(64), shift);
            let too_long = _mm256_cmpgt_epi64(length, _mm256_set1_epi64x(7));
            let beyond = _mm256_or_si256(too_long, _mm256_cmpgt_epi64(tokens, largest));
            let no_digit = _mm256_subs_epu8(digits, _mm256_set1_epi8(9));
            let wrong = _mm256_or_si256(_mm256_or_si256(no_digit, leading_zero), beyond);
            let wrong = _mm256_or_si256(wrong, _mm256_andnot_si256(in_range, _mm256_set1_epi64x(-1)));
            let lanes = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
            let packed = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(tokens, lanes));
            *self.tokens[at..].first_chunk_mut()? = bytemuck::cast::<__m128i, [u32; 4]>(packed);
            let left = (count - at).min(4);
            let there = _mm256_cmpgt_epi64(_mm256_set1_epi64x(left as i64), _mm256_set_epi64x(3, 2, 1, 0));
            invalid = _mm256_or_si256(invalid, _mm256_and_si256(wrong, there));
            at += 4;
        }
        (_mm256_testz_si256(invalid, invalid) == 1).then_some(())
    }
}

fn load_four(numbers: &[u32; 4]) -> __m128i {
    bytemuck::cast(*numbers)
}

/// A line whose fields are known by their ends.
struct Line<'a> {
    text: &'a [u8],
    ends: &'a [u32; MOST_FIELDS],
    /// Not zero if anything was wrong.
    invalid: __m256i,
}

impl<'a> Line<'a> {
    /// Where a field begins and ends.
    #[inline(always)]
    fn place(&self, field: usize) -> (usize, usize) {
        (self.ends[field - 1] as usize + 1, self.ends[field] as usize)
    }

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    #[inline]
    fn id(&mut self, field: Field) -> Option<Id> {
        let (start, end) = self.place(field as usize);
        if end - start != 32 { None } else { self.id_at(start) }
    }

    /// The id whose 32 digits begin there.
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    #[inline]
    fn id_at(&mut self, at: usize) -> Option<Id> {
        let text: &[u8; 32] = self.text.get(at..)?.first_chunk()?;
        let text: __m256i = bytemuck::cast(*text);
        let (from_0, from_a) =
            (_mm256_sub_epi8(text, _mm256_set1_epi8(b'0' as i8)), _mm256_sub_epi8(text, _mm256_set1_epi8(b'A' as i8)));
        let decimal = _mm256_cmpeq_epi8(_mm256_min_epu8(from_0, _mm256_set1_epi8(9)), from_0);
        let letter = _mm256_cmpeq_epi8(_mm256_min_epu8(from_a, _mm256_set1_epi8(5)), from_a);
        let neither = _mm256_andnot_si256(_mm256_or_si256(decimal, letter), _mm256_set1_epi8(-1));
        self.invalid = _mm256_or_si256(self.invalid, neither);
        // The low four bits of a digit are its value, of a letter 9 less.
        let low = _mm256_and_si256(text, _mm256_set1_epi8(0x0F));
        let values = _mm256_add_epi8(low, _mm256_and_si256(letter, _mm256_set1_epi8(9)));
        let bytes = _mm256_maddubs_epi16(values, _mm256_set1_epi16(16 | 1 << 8));
        let packed = _mm256_permute4x64_epi64::<0b1000>(_mm256_packus_epi16(bytes, bytes));
        Some(Id(bytemuck::cast(_mm256_castsi256_si128(packed))))
    }

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    #[inline]
    fn ids(&mut self, field: Field, lists: &mut Lists<Id>) -> Option<()> {
        let (mut start, end) = self.place(field as usize);
        if start < end {
            loop {
                lists.push_value(self.id_at(start)?);
                start += 33;
                if start >= end {
                    break;
                }
                if self.text[start - 1] != LIST_SEPARATOR {
                    return None;
                }
            }
            if start != end + 1 {
                return None;
            }
        }
        lists.close();
        Some(())
    }

    fn media(&self, lists: &mut Lists<Media>) -> Option<()> {
        let (start, end) = self.place(Field::Media as usize);
        if start < end {
            for word in self.text[start..end].split(|&byte| byte == LIST_SEPARATOR) {
                lists.push_value(Media::ALL.into_iter().find(|media| media.name().as_bytes() == word)?);
            }
        }
        lists.close();
        Some(())
    }

    fn tweet_type(&self) -> Option<TweetType> {
        let (start, end) = self.place(Field::TweetType as usize);
        let word = &self.text[start..end];
        TweetType::ALL.into_iter().find(|kind| kind.name().as_bytes() == word)
    }

    #[inline(always)]
    fn flag(&self, field: usize) -> Option<bool> {
        let (start, end) = self.place(field);
        match &self.text[start..end] {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    #[inline]
    fn user(&mut self, id: Field, users: &mut Users) -> Option<()> {
        let field = id as usize;
        users.id.push(self.id(id)?);
        users.followers.push(self.number(field + 1)?);
        users.following.push(self.number(field + 2)?);
        users.verified.push(self.flag(field + 3)?);
        users.created.push(self.number(field + 4)?);
        Some(())
    }

    #[inline(always)]
    fn is_empty(&self, field: usize) -> bool {
        let (start, end) = self.place(field);
        start == end
    }

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    #[inline]
    fn reaction_time(&mut self, field: usize) -> Option<i64> {
        self.number(field).filter(|&time| time != NO_REACTION)
    }

    #[cold]
    fn any_number(&self, field: usize) -> Option<i64> {
        let (start, end) = self.place(field);
        value::number(&self.text[start..end]).ok()
    }

    /// A number. Those of at most 16 digits and no sign, which nearly all are, are read at once.
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    #[inline]
    fn number(&mut self, field: usize) -> Option<i64> {
        let (start, end) = self.place(field);
        let length = end - start;
        if length == 0 || length > 16 || (length > 1 && self.text[start] == b'0') {
            return self.any_number(field);
        }
        // The 16 bytes that end with the number; what comes before it is made zero.
        let text: &[u8; 16] = self.text.get(end.checked_sub(16)?..)?.first_chunk()?;
        let digits = _mm_xor_si128(bytemuck::cast(*text), _mm_set1_epi8(b'0' as i8));
        let places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let digits = _mm_and_si128(digits, _mm_cmpgt_epi8(places, _mm_set1_epi8(15 - length as i8)));
        if _mm_testz_si128(_mm_subs_epu8(digits, _mm_set1_epi8(9)), _mm_set1_epi8(-1)) == 0 {
            return self.any_number(field);
        }
        let pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(10 | 1 << 8));
        let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(100 | 1 << 16));
        let eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(10_000 | 1 << 16));
        let eights = _mm_cvtsi128_si64(eights) as u64;
        Some(((eights & 0xFFFF_FFFF) * 100_000_000 + (eights >> 32)) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FIELD_SEPARATOR, VOCABULARY, sample, write_record};
    use proptest::prelude::*;

    /// What is read of a text from its beginning, and how many bytes that is, with AVX-512 or without it.
    fn read(text: &[u8], fields: FieldCount) -> Option<(RecordBatch, usize)> {
        let reader = WideReader::new()?;
        let outcomes = [reader.avx512, false].map(|avx512| {
            let (ends, tokens) = (reader.ends.clone(), reader.tokens.clone());
            read_with(WideReader { ends, tokens, avx512 }, text, fields)
        });
        assert_eq!(outcomes[0], outcomes[1]);
        outcomes.into_iter().next()
    }

    fn read_with(mut reader: WideReader, text: &[u8], fields: FieldCount) -> (RecordBatch, usize) {
        let (mut batch, mut at) = (RecordBatch::default(), 0);
        loop {
            let row = batch.rows;
            batch.begin(fields);
            match reader.read(&text[at..], fields, VOCABULARY, &mut batch) {
                Some(length) => at += length + 1,
                None => {
                    batch.roll_back(row);
                    return (batch, at);
                }
            }
            batch.rows += 1;
        }
    }

    proptest! {
        #[test]
        fn canonical_records_are_taken_up_to_the_end_and_no_others(
            batch in sample::batches(1..8),
            at in any::<prop::sample::Index>(),
            byte in sample::bytes(),
        ) {
            let fields = if batch.reactions.is_some() { FieldCount::Labelled } else { FieldCount::Unlabelled };
            let mut text = Vec::new();
            (0..batch.rows).for_each(|row| write_record(&batch, row, &mut text));
            let whole = text.len();
            text.extend_from_slice(&[b'x'; 64]);
            // On another processor there is nothing to test.
            if let Some((taken, end)) = read(&text, fields) {
                prop_assert_eq!(&taken, &batch);
                prop_assert_eq!(end, whole);
                text[at.index(whole)] = byte;
                let (taken, end) = read(&text, fields).unwrap();
                let mut written = Vec::new();
                (0..taken.rows).for_each(|row| write_record(&taken, row, &mut written));
                prop_assert!(written == text[..end]);
            }
        }
    }

    #[test]
    fn lists_of_tokens_of_every_length_and_size_are_taken() {
        let text = include_bytes!("../../fixtures/labelled");
        let line = &text[..=memchr::memchr(b'\n', text).unwrap()];
        let rest = &line[memchr::memchr(FIELD_SEPARATOR, line).unwrap()..];
        for count in (1..70).chain([MOST_TOKENS - 1, MOST_TOKENS]) {
            let tokens: Vec<u32> =
                (0..count as u32).map(|token| (7 * token + count as u32) % 10u32.pow(token % 6)).collect();
            let words: Vec<String> = tokens.iter().map(u32::to_string).collect();
            let text = [words.join("\t").as_bytes(), rest, &[b'x'; 64]].concat();
            if let Some((batch, end)) = read(&text, FieldCount::Labelled) {
                assert_eq!((batch.tokens.values(), end), (&tokens[..], text.len() - 64));
            }
        }
    }
}
