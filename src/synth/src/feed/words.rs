//! The words of every language: made up from syllables, the same for every seed.

use rand::Rng;

use super::language::{Script, script};
use crate::random::{Purpose, Seed};
use crate::world::LANGUAGES;

/// Words of a language.
pub(crate) const WORDS: usize = 512;
/// The first words of a language are short.
const SHORT: usize = 24;

/// What posts have of emoji.
pub(crate) const EMOJI: [&str; 32] = [
    "😀", "😂", "🤣", "😊", "😍", "😭", "😅", "🙏", "👍", "👏", "💪", "🔥", "✨", "🎉", "💯", "🌸", "🌈", "☀️", "❤️",
    "💙", "🦋", "🐱", "🐶", "🍜", "☕", "🎮", "🎵", "📷", "🚀", "👀", "🤔", "🫠",
];

/// The words of every language, by frequency.
pub(crate) struct Words(Vec<Vec<String>>);

impl Words {
    pub(crate) fn new() -> Self {
        let of = |language: usize| (0..WORDS).map(|number| word(language as u8, number)).collect();
        Self((0..LANGUAGES).map(of).collect())
    }

    /// The words of a language.
    pub(crate) fn of(&self, language: u8) -> &[String] {
        &self.0[usize::from(language)]
    }

    /// All words; the languages of a script may share some.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().map(String::as_str)
    }
}

fn word(language: u8, number: usize) -> String {
    let script = script(language);
    let mut random = Seed(0).random(Purpose::FeedText, language.into(), number as u64);
    let (least, kinds) = if number < SHORT { (1, 2) } else { (2, 2) };
    let count = least + random.next_u32() % kinds;
    (0..count).flat_map(|_| syllable(script, random.next_u32())).collect()
}

/// A syllable of a script, drawn.
pub(crate) fn syllable(script: &Script, bits: u32) -> [&'static str; 2] {
    script.syllable(bits as usize % script.syllables())
}
