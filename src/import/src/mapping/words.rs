//! Words of a log that stand for one of few values: kinds of media, types of tweets.

use skimlog_formats::record::{Media, TweetType};

/// A value that words of a log stand for.
pub trait Word: Copy + 'static {
    /// What a message calls the values.
    const WHAT: &'static str;

    /// The values, and the words that mean them without a list in the mapping.
    fn defaults() -> &'static [(&'static str, Option<Self>)];

    /// The value of this name in raw records.
    fn named(name: &str) -> Option<Self>;

    /// The names in raw records, for messages.
    fn names() -> String;
}

impl Word for Media {
    const WHAT: &'static str = "kind of media";

    fn defaults() -> &'static [(&'static str, Option<Self>)] {
        &[
            ("photo", Some(Self::Photo)),
            ("photos", Some(Self::Photo)),
            ("image", Some(Self::Photo)),
            ("images", Some(Self::Photo)),
            ("picture", Some(Self::Photo)),
            ("video", Some(Self::Video)),
            ("gif", Some(Self::Gif)),
            ("gifv", Some(Self::Gif)),
            ("animated_gif", Some(Self::Gif)),
            ("none", None),
        ]
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.name() == name)
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl Word for TweetType {
    const WHAT: &'static str = "type";

    fn defaults() -> &'static [(&'static str, Option<Self>)] {
        &[
            ("toplevel", Some(Self::TopLevel)),
            ("post", Some(Self::TopLevel)),
            ("tweet", Some(Self::TopLevel)),
            ("status", Some(Self::TopLevel)),
            ("retweet", Some(Self::Retweet)),
            ("repost", Some(Self::Retweet)),
            ("reblog", Some(Self::Retweet)),
            ("quote", Some(Self::Quote)),
            ("reply", Some(Self::Reply)),
            ("comment", Some(Self::Reply)),
        ]
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tweet_type| tweet_type.name() == name)
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

/// What each word of a log stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words<W> {
    /// The mapping's list; empty: the defaults, upper and lower case alike.
    listed: Vec<(String, Option<W>)>,
    /// What every other word stands for: `*` in the list.
    other: Option<Option<W>>,
}

impl<W> Default for Words<W> {
    fn default() -> Self {
        Self { listed: Vec::new(), other: None }
    }
}

impl<W: Word> Words<W> {
    /// Words and the names of what they stand for; `None` for a word that stands for nothing.
    ///
    /// # Errors
    /// What is wrong with a name.
    pub fn listed(list: Vec<(String, Option<String>)>) -> Result<Self, String> {
        let mut words = Self::default();
        for (word, name) in list {
            let value = match &name {
                None => None,
                Some(name) => Some(W::named(name).ok_or_else(|| {
                    format!("`{word}` cannot stand for `{name}`: a {} is one of {}, or null", W::WHAT, W::names())
                })?),
            };
            match word.as_str() {
                "*" => words.other = Some(value),
                _ => words.listed.push((word, value)),
            }
        }
        Ok(words)
    }

    /// What a word stands for; `Some(None)` for a word that stands for nothing.
    pub fn get(&self, word: &str) -> Option<Option<W>> {
        if self.listed.is_empty() && self.other.is_none() {
            return W::defaults().iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|&(_, value)| value);
        }
        let listed = self.listed.iter().find(|(known, _)| known == word);
        listed.map(|(_, value)| *value).or(self.other)
    }

    /// What to say of a word that stands for nothing known.
    pub fn unknown(&self, word: &str) -> String {
        format!("`{word}` is no known {}: list it under `words:` as one of {}, or null", W::WHAT, W::names())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_replaces_the_default_words() {
        let words = Words::<Media>::default();
        assert_eq!(words.get("IMAGE"), Some(Some(Media::Photo)));
        assert_eq!((words.get("none"), words.get("poll")), (Some(None), None));
        let listed = Words::<Media>::listed(vec![("pic".into(), Some("Photo".into())), ("*".into(), None)]).unwrap();
        assert_eq!((listed.get("pic"), listed.get("image")), (Some(Some(Media::Photo)), Some(None)));
        let error = Words::<TweetType>::listed(vec![("p".into(), Some("Post".into()))]).unwrap_err();
        assert_eq!(error, "`p` cannot stand for `Post`: a type is one of TopLevel, Retweet, Quote, Reply, or null");
    }
}
