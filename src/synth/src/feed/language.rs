//! The languages of a feed: codes, and syllables of each one's script.

use crate::world::LANGUAGES;

/// What words of a script are put together from.
pub(crate) struct Script {
    /// How a syllable begins.
    onsets: &'static [&'static str],
    /// How it ends.
    rhymes: &'static [&'static str],
    /// Between words.
    pub(crate) space: &'static str,
    /// Within a sentence.
    pub(crate) comma: &'static str,
    /// After a sentence.
    pub(crate) stop: &'static str,
}

const fn spaced(onsets: &'static [&'static str], rhymes: &'static [&'static str]) -> Script {
    Script { onsets, rhymes, space: " ", comma: ",", stop: "." }
}

const fn unspaced(onsets: &'static [&'static str], rhymes: &'static [&'static str]) -> Script {
    Script { onsets, rhymes, space: "", comma: "、", stop: "。" }
}

static LATIN: Script = spaced(
    &["b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "y", "z", "ch", "sh", "st", "tr"],
    &["a", "e", "i", "o", "u", "é", "an", "er", "in", "on", "as", "ou"],
);
static CYRILLIC: Script = spaced(
    &["б", "в", "г", "д", "ж", "з", "к", "л", "м", "н", "п", "р", "с", "т", "х", "ч", "ш"],
    &["а", "е", "и", "о", "у", "ы", "я", "ен", "ор", "ал"],
);
static GREEK: Script = spaced(
    &["β", "γ", "δ", "ζ", "θ", "κ", "λ", "μ", "ν", "π", "ρ", "σ", "τ", "φ", "χ"],
    &["α", "ε", "η", "ι", "ο", "υ", "ω", "ον", "ας"],
);
static ARABIC: Script = Script {
    onsets: &["ب", "ت", "ج", "ح", "د", "ر", "ز", "س", "ش", "ع", "ف", "ق", "ك", "ل", "م", "ن", "ه"],
    rhymes: &["", "ا", "و", "ي", "ال", "ين"],
    space: " ",
    comma: "،",
    stop: ".",
};
static HEBREW: Script = spaced(
    &["ב", "ג", "ד", "ה", "ז", "ח", "ט", "כ", "ל", "מ", "נ", "ס", "פ", "ק", "ר", "ש", "ת"],
    &["", "א", "ו", "י"],
);
static DEVANAGARI: Script = spaced(
    &["क", "ख", "ग", "च", "ज", "त", "द", "न", "प", "ब", "म", "य", "र", "ल", "व", "स", "ह"],
    &["", "ा", "ि", "ी", "े", "ो"],
);
static BENGALI: Script =
    spaced(&["ক", "খ", "গ", "চ", "জ", "ত", "দ", "ন", "প", "ব", "ম", "র", "ল", "স", "হ"], &["", "া", "ি", "ে", "ো"]);
static TAMIL: Script = spaced(&["க", "ச", "ட", "த", "ந", "ப", "ம", "ய", "ர", "ல", "வ"], &["", "ா", "ி", "ு", "ே"]);
static HANGUL: Script = spaced(
    &[
        "가", "나", "다", "라", "마", "바", "사", "아", "자", "하", "고", "노", "도", "로", "모", "보", "소", "오",
        "조", "호",
    ],
    &["", "는", "을", "이", "지", "기"],
);
static THAI: Script = Script {
    onsets: &["ก", "ข", "ค", "จ", "ด", "ต", "น", "บ", "ป", "พ", "ม", "ย", "ร", "ล", "ว", "ส", "ห"],
    rhymes: &["า", "ี", "ู", "ัน", "าม"],
    space: "",
    comma: " ",
    stop: " ",
};
static KANA: Script = unspaced(
    &[
        "か", "き", "く", "け", "こ", "さ", "し", "す", "せ", "そ", "た", "ち", "つ", "て", "と", "な", "に", "の",
        "は", "ひ", "ま", "み", "も", "や", "ゆ", "よ", "ら", "り", "る", "れ", "カ", "ス", "ト", "ラ", "日", "本",
        "人", "今",
    ],
    &["", "い", "う", "ん", "っ", "ー"],
);
static HAN: Script = unspaced(
    &[
        "中", "国", "大", "小", "上", "下", "天", "地", "人", "山", "水", "火", "木", "金", "土", "日", "月", "年",
        "时", "分",
    ],
    &["", "的", "了", "是", "在", "有"],
);

impl Script {
    /// Number of syllables.
    pub(crate) fn syllables(&self) -> usize {
        self.onsets.len() * self.rhymes.len()
    }

    /// A syllable by number, its beginning and its end.
    pub(crate) fn syllable(&self, number: usize) -> [&'static str; 2] {
        [self.onsets[number % self.onsets.len()], self.rhymes[number / self.onsets.len() % self.rhymes.len()]]
    }
}

/// All scripts.
pub(crate) static SCRIPTS: [&Script; 12] =
    [&LATIN, &KANA, &ARABIC, &CYRILLIC, &HANGUL, &DEVANAGARI, &THAI, &HAN, &GREEK, &HEBREW, &BENGALI, &TAMIL];

/// Codes of the languages (BCP 47), the most frequent first.
const CODES: [&str; LANGUAGES] = [
    "en", "ja", "es", "pt", "ar", "de", "fr", "ko", "tr", "ru", "hi", "id", "th", "zh", "it", "nl", "pl", "fa", "uk",
    "el", "sv", "he", "bn", "ta", "fi", "da", "no", "cs", "hu", "ro", "ca", "vi", "tl", "ms", "ur", "bg", "sr", "mr",
    "ne", "hr", "sk", "sl", "lt", "lv", "et", "eu", "gl", "cy", "ga", "is", "af", "sw", "sq", "mk", "be", "kk", "mn",
    "ps", "ckb", "ht", "eo", "la", "mt", "so", "zu",
];

/// The code of a language by its number in the world.
pub(crate) fn code(language: u8) -> &'static str {
    CODES[usize::from(language)]
}

/// The script a language is written in.
pub(crate) fn script(language: u8) -> &'static Script {
    match code(language) {
        "ja" => &KANA,
        "zh" => &HAN,
        "th" => &THAI,
        "ko" => &HANGUL,
        "ar" | "fa" | "ur" | "ps" | "ckb" => &ARABIC,
        "ru" | "uk" | "bg" | "sr" | "mk" | "be" | "kk" | "mn" => &CYRILLIC,
        "hi" | "mr" | "ne" => &DEVANAGARI,
        "el" => &GREEK,
        "he" => &HEBREW,
        "bn" => &BENGALI,
        "ta" => &TAMIL,
        _ => &LATIN,
    }
}
