//! What the name of a column says about its field.

use crate::mapping::LogField;

/// The words of a column's path: `account.followersCount` is account, followers, count.
pub(super) struct Name(Vec<String>);

/// Who wrote a post.
const AUTHOR: &[&str] =
    &["author", "account", "poster", "creator", "publisher", "writer", "owner", "engagee", "sender", "seller"];
/// Who saw it.
const READER: &[&str] =
    &["reader", "viewer", "engager", "visitor", "member", "customer", "recipient", "audience", "consumer"];
/// A person: the author where only a reader is named, else the reader.
const USER: &[&str] = &["user", "profile", "actor", "uid", "userid", "did"];
/// A post.
const POST: &[&str] =
    &["post", "tweet", "status", "record", "item", "toot", "note", "message", "content", "article", "story", "thread"];
const ID: &[&str] = &["id", "uuid", "guid", "key", "uri", "url", "cid", "did", "handle", "name", "username", "login"];
/// Words that say nothing of what a column is.
const EMPTY: &[&str] = &[
    "the",
    "is",
    "has",
    "was",
    "ts",
    "at",
    "time",
    "timestamp",
    "datetime",
    "date",
    "on",
    "ms",
    "us",
    "ns",
    "s",
    "utc",
    "unix",
    "epoch",
    "count",
    "counts",
    "num",
    "number",
    "n",
    "total",
    "by",
    "flag",
];

/// The words of a name one by one: at `_`, `-`, `.` and before capitals.
fn words(path: &str) -> Vec<String> {
    let (mut words, mut word, mut was_lower) = (Vec::new(), String::new(), false);
    for character in path.chars() {
        let begins = !character.is_alphanumeric() || character.is_uppercase() && was_lower;
        if begins && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase() || character.is_ascii_digit();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whose a column is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Author,
    Reader,
    /// A word such as user says only that it is a person's.
    User,
    Post,
    None,
}

impl Name {
    pub(super) fn of(path: &str) -> Self {
        Self(words(path))
    }

    /// Whom `user` means among columns with these names: the author where only a reader is named, else the reader.
    pub(super) fn user_side<'n>(names: impl Iterator<Item = &'n Self> + Clone) -> Side {
        let names_id = |wanted: Side| {
            names.clone().any(|name| {
                let (side, rest) = name.side();
                side == wanted && rest.first().is_none_or(|word| ID.contains(&word.as_str()))
            })
        };
        if names_id(Side::Reader) && !names_id(Side::Author) { Side::Author } else { Side::Reader }
    }

    /// How well a field has this name; 0: not at all. `user`: whom the word user means.
    pub(super) fn score(&self, field: LogField, user: Side) -> u32 {
        let (side, rest) = self.side();
        let (side, is_user) = if side == Side::User { (user, true) } else { (side, false) };
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let (is_time, plain) = self.plain(&rest);
        let has = |words: &[&str]| is_one_of(&plain, words);
        let of_post = matches!(side, Side::Post | Side::None);
        // `user` may mean somebody else.
        let points = if side == Side::None || is_user { 60 } else { 80 };
        let when = |condition: bool| if condition { points } else { 0 };
        match field {
            LogField::Tweet => self.tweet_id(side, &rest),
            LogField::Author => {
                if side == Side::Author {
                    person_id(&rest, is_user)
                } else {
                    0
                }
            }
            LogField::Reader => {
                if side == Side::Reader {
                    person_id(&rest, is_user)
                } else {
                    0
                }
            }
            LogField::Text => {
                if of_post {
                    self.text(points, &plain)
                } else {
                    0
                }
            }
            LogField::Tokens => when(of_post && has(&["tokens", "text tokens", "token ids", "input ids"])),
            LogField::Hashtags => when(
                of_post && has(&["hashtags", "hashtag", "tags", "tag", "tags name", "hash tags", "topics", "labels"]),
            ),
            LogField::Media => when(of_post && has(MEDIA)),
            LogField::Links => {
                when(of_post && has(&["links", "link", "urls", "external links", "embed links", "outlinks"]))
            }
            LogField::Domains => when(of_post && has(&["domains", "domain", "link domains", "hosts", "sites"])),
            LogField::Type => when(of_post && has(&["type", "kind", "post type", "tweet type", "category type"])),
            LogField::Language => when(of_post && has(LANGUAGE)),
            LogField::Time => self.time(side, is_time, &plain),
            LogField::AuthorFollowers => when(side == Side::Author && has(FOLLOWERS)),
            LogField::AuthorFollowing => when(side == Side::Author && has(FOLLOWING)),
            LogField::AuthorVerified => when(side == Side::Author && has(VERIFIED)),
            LogField::AuthorCreated => when(side == Side::Author && has(CREATED)),
            LogField::ReaderFollowers => when(side == Side::Reader && has(FOLLOWERS)),
            LogField::ReaderFollowing => when(side == Side::Reader && has(FOLLOWING)),
            LogField::ReaderVerified => when(side == Side::Reader && has(VERIFIED)),
            LogField::ReaderCreated => when(side == Side::Reader && has(CREATED)),
            LogField::Follows => {
                if follows(&self.0) {
                    90
                } else {
                    0
                }
            }
            LogField::Like => self.reaction(&plain, LIKE),
            LogField::Reply => self.reaction(&plain, REPLY),
            LogField::Retweet => self.reaction(&plain, RETWEET),
            LogField::Quote => self.reaction(&plain, QUOTE),
            LogField::Shown => {
                if is_one_of(&plain, SHOWN) {
                    80
                } else {
                    0
                }
            }
        }
    }

    /// Whose this column is, and the other words.
    fn side(&self) -> (Side, &[String]) {
        let is = |word: &String, words: &[&str]| words.contains(&word.as_str());
        for (index, word) in self.0.iter().enumerate() {
            let side = match () {
                () if is(word, READER) => Side::Reader,
                () if is(word, AUTHOR) => Side::Author,
                () if is(word, USER) => Side::User,
                () => continue,
            };
            return (side, &self.0[index + 1..]);
        }
        match self.0.first() {
            Some(first) if is(first, POST) => (Side::Post, &self.0[1..]),
            _ => (Side::None, &self.0),
        }
    }

    /// The words without those that say nothing, and whether some of these say that it is a time.
    fn plain<'w>(&self, rest: &[&'w str]) -> (bool, Vec<&'w str>) {
        let is_time = |word: &&str| matches!(*word, "at" | "time" | "timestamp" | "ts" | "date" | "datetime" | "on");
        (rest.iter().any(is_time), rest.iter().copied().filter(|word| !EMPTY.contains(word)).collect())
    }

    fn tweet_id(&self, side: Side, rest: &[&str]) -> u32 {
        match (side, rest) {
            // The first of the words for a post is the most likely.
            (Side::Post, [] | ["id" | "uuid" | "guid" | "uri"]) => {
                let place = POST.iter().position(|&word| word == self.0[0]).unwrap_or_default() as u32;
                if rest.is_empty() { 65 - place } else { 90 - place }
            }
            (Side::Post, ["key" | "url" | "cid"]) => 50,
            (Side::None, ["id" | "uri" | "uuid" | "guid"]) => 70,
            (Side::None, ["cid" | "url"]) => 30,
            // A post within another object: feed.post.uri.
            (Side::None, [.., post, "id" | "uri"]) if POST.contains(post) => 65,
            _ => 0,
        }
    }

    fn text(&self, points: u32, plain: &[&str]) -> u32 {
        let place = TEXT.iter().position(|&text| text == plain.join(" "));
        let is_text =
            plain.is_empty() && self.0.len() == 1 && ["content", "message", "note"].contains(&self.0[0].as_str());
        place.map_or(if is_text { 80 } else { 0 }, |place| points - place as u32)
    }

    fn time(&self, side: Side, is_time: bool, plain: &[&str]) -> u32 {
        match (side, plain) {
            (Side::Post, ["created" | "published" | "posted" | "written"]) => 95,
            (Side::Post, [] | ["record"]) if is_time => 85,
            (Side::None, ["created" | "published" | "posted" | "written" | "pub"]) => 75,
            (Side::None, [.., "created" | "published" | "posted"]) => 65,
            (Side::None, []) if is_time => 50,
            _ => 0,
        }
    }

    fn reaction(&self, plain: &[&str], words: &[&str]) -> u32 {
        // Counts of all reactions to a post are no reaction of the reader; `is_reply` is what the post is.
        if self.0[0] == "is"
            || self.0.iter().any(|word| matches!(word.as_str(), "count" | "counts" | "total" | "num" | "number"))
        {
            return 0;
        }
        match plain {
            [one] if words.contains(one) => 80,
            [.., one] if words.contains(one) && plain.len() == 2 => 60,
            _ => 0,
        }
    }
}

fn person_id(rest: &[&str], is_user: bool) -> u32 {
    let points = match rest {
        // The column is called after the person.
        [] => 70,
        ["id" | "uuid" | "guid" | "did" | "uri"] => 90,
        ["name"] => 50,
        [one] if ID.contains(one) => 55,
        _ => return 0,
    };
    points - if is_user { 20 } else { 0 }
}

fn is_one_of(plain: &[&str], words: &[&str]) -> bool {
    let joined = plain.join(" ");
    words.contains(&joined.as_str())
}

/// viewer_follows_author, is_following, author.viewer.following
fn follows(words: &[String]) -> bool {
    let is = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    is(&["follows", "followed", "connected", "friends", "subscribed"]) && !is(&["count", "counts"])
        || is(&["following", "follow"]) && (words.len() == 1 || is(&["is"]) || is(READER) && is(AUTHOR))
}

const TEXT: &[&str] = &[
    "text",
    "body",
    "content",
    "message",
    "caption",
    "record text",
    "full text",
    "title",
    "headline",
    "description",
    "selftext",
];
const MEDIA: &[&str] = &[
    "media",
    "medium",
    "media types",
    "media type",
    "media attachments type",
    "attachments type",
    "attachments",
    "embed type",
    "present media",
];
const LANGUAGE: &[&str] = &["lang", "language", "langs", "locale", "record langs", "language code"];
const FOLLOWERS: &[&str] = &["followers", "follower", "subscribers", "fans"];
const FOLLOWING: &[&str] = &["following", "followings", "follows", "followees", "friends", "subscriptions"];
const VERIFIED: &[&str] = &["verified", "official", "staff", "trusted"];
const CREATED: &[&str] =
    &["created", "registered", "joined", "account created", "signup", "signed up", "since", "registration", "indexed"];
const LIKE: &[&str] = &[
    "liked",
    "like",
    "likes",
    "favourited",
    "favorited",
    "favourite",
    "favorite",
    "upvoted",
    "upvote",
    "hearted",
    "clicked",
    "click",
    "thumbs",
];
const REPLY: &[&str] = &["replied", "reply", "replies", "commented", "comment", "answered"];
const RETWEET: &[&str] = &[
    "retweeted",
    "retweet",
    "reposted",
    "repost",
    "boosted",
    "boost",
    "reblogged",
    "reblog",
    "shared",
    "share",
    "forwarded",
];
const QUOTE: &[&str] = &["quoted", "quote", "bookmarked", "bookmark", "saved", "crossposted"];
const SHOWN: &[&str] =
    &["shown", "seen", "viewed", "impression", "impressed", "served", "displayed", "exposed", "event", "engagement"];
