//! Ids of any type as 128-bit ids.

use skimlog_formats::Id;
use xxhash_rust::xxh3::xxh3_128;

/// The id of a text: itself where it is 32 upper-case hexadecimal digits, as raw records have them, else its XXH3-128
/// hash (big-endian).
///
/// Two texts of ten billion share a hash with a probability of 10⁻¹⁸.
///
/// ```
/// use skimlog_import::identity::id_of;
/// assert_eq!(id_of(b"00112233445566778899AABBCCDDEEFF").to_string(), "00112233445566778899AABBCCDDEEFF");
/// assert_ne!(id_of(b"did:plc:a"), id_of(b"did:plc:b"));
/// ```
#[inline]
pub fn id_of(text: &[u8]) -> Id {
    Id::parse(text).unwrap_or_else(|_| Id(xxh3_128(text).to_be_bytes()))
}
