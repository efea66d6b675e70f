//! Names for what a record has only ids of: accounts, posts, hashtags, links and domains.

use skimlog_formats::Id;

/// As RFC 4648 has it, in lower case, and as AT Protocol identifiers have it.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// As AT Protocol record keys have it: sorted by its characters.
const BASE32_SORTED: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
/// Characters of an account's identifier: 120 bits.
const ACCOUNT: usize = 24;
/// Characters of a record key: 65 bits, of which 64 are used.
const RECORD_KEY: usize = 13;
/// Characters of a link's path.
const PATH: usize = 12;

const CONSONANTS: &[u8; 16] = b"bdfgklmnprstvwxz";
const VOWELS: &[u8; 4] = b"aeio";
/// Syllables of a hashtag and of a domain, six bits each.
const HASHTAG: u32 = 6;
const DOMAIN: u32 = 5;

/// An account: `did:plc:` and 24 characters.
pub(crate) fn account(id: Id) -> String {
    base32("did:plc:", u128::from_be_bytes(id.0) >> 8, ACCOUNT, BASE32)
}

/// A post of an account: `at://did:plc:…/app.bsky.feed.post/` and 13 characters.
pub(crate) fn post(author: &str, id: Id) -> String {
    let number = u128::from_be_bytes(id.0) >> 64;
    base32(&format!("at://{author}/app.bsky.feed.post/"), number, RECORD_KEY, BASE32_SORTED)
}

/// A hashtag, without its `#`.
pub(crate) fn hashtag(id: Id) -> String {
    spoken(id, HASHTAG)
}

/// A domain of those that nobody can have (RFC 2606).
pub(crate) fn domain(id: Id) -> String {
    spoken(id, DOMAIN) + ".example"
}

/// A link to a page of a domain.
pub(crate) fn link(domain: &str, id: Id) -> String {
    base32(&format!("https://{domain}/"), u128::from_be_bytes(id.0), PATH, BASE32)
}

/// Appends the last `count` digits of a number.
fn base32(before: &str, number: u128, count: usize, digits: &[u8; 32]) -> String {
    let digit = |place: usize| char::from(digits[(number >> (5 * place)) as usize & 31]);
    before.chars().chain((0..count).rev().map(digit)).collect()
}

fn spoken(id: Id, syllables: u32) -> String {
    let number = u128::from_be_bytes(id.0);
    let syllable = |place: u32| {
        let bits = (number >> (6 * place)) as usize & 63;
        [CONSONANTS[bits >> 2], VOWELS[bits & 3]].map(char::from)
    };
    (0..syllables).flat_map(syllable).collect()
}

/// Every syllable of [`hashtag`] and [`domain`].
pub(crate) fn syllables() -> impl Iterator<Item = String> {
    CONSONANTS
        .iter()
        .flat_map(|&first| VOWELS.iter().map(move |&second| [first, second].map(char::from).iter().collect()))
}

/// Every character of names.
pub(crate) fn characters() -> impl Iterator<Item = char> {
    BASE32.iter().copied().map(char::from)
}
