//! A token as text: base64url of a version byte, sections, and a checksum.
//!
//! ```text
//! 1  { kind  payload }*  checksum (FNV-1a, 4 bytes, big endian)
//! kind 1  item (16)  count  { length  location  version }     stock levels of one item
//! kind 2  item (16)  version                                  an item
//! kind 3  length  location  version                           a location
//! kind 4  length  bits                                        items whose stock levels changed, as a Bloom filter
//! kind 5                                                      more items changed than can be named
//! ```
//! Counts, lengths and versions are LEB128. A kind that is not known makes the token unreadable: to ignore it
//! would be to break its promise.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::Token;
use super::bloom::Bloom;

const FORMAT: u8 = 1;
const LEVELS: u8 = 1;
const ITEM: u8 = 2;
const LOCATION: u8 = 3;
const WIDE: u8 = 4;
const ANY_ITEM: u8 = 5;
const CHECKSUM_BYTES: usize = 4;
/// `inventory.location.id` has at most 64 characters of one byte.
const MAX_LOCATION_BYTES: usize = 64;

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// Not base64url.
    #[error("is not base64url text: send it as it was answered")]
    NotText,
    /// Cut off or changed on its way.
    #[error("is damaged: send it whole, as it was answered")]
    Damaged,
    /// Made by a release that knows more.
    #[error("is of format {0}, which this release does not know")]
    Unknown(u8),
}

/// Bytes of the token before it becomes text.
pub(super) fn length(token: &Token) -> usize {
    write(token).len()
}

pub(super) fn encode(token: &Token) -> String {
    URL_SAFE_NO_PAD.encode(write(token))
}

fn write(token: &Token) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    for (item, rows) in &token.levels {
        bytes.push(LEVELS);
        bytes.extend_from_slice(item.as_bytes());
        put_length(&mut bytes, rows.len());
        for (location, version) in rows {
            put_bytes(&mut bytes, location.as_bytes());
            put_version(&mut bytes, *version);
        }
    }
    for (item, version) in &token.items {
        bytes.push(ITEM);
        bytes.extend_from_slice(item.as_bytes());
        put_version(&mut bytes, *version);
    }
    for (location, version) in &token.locations {
        bytes.push(LOCATION);
        put_bytes(&mut bytes, location.as_bytes());
        put_version(&mut bytes, *version);
    }
    for items in &token.wide {
        bytes.push(WIDE);
        put_bytes(&mut bytes, items.as_bytes());
    }
    if token.any_item {
        bytes.push(ANY_ITEM);
    }
    bytes.extend_from_slice(&checksum(&bytes));
    bytes
}

fn put_bytes(bytes: &mut Vec<u8>, text: &[u8]) {
    put_length(bytes, text.len());
    bytes.extend_from_slice(text);
}

fn put_length(bytes: &mut Vec<u8>, length: usize) {
    put_number(bytes, u64::try_from(length).unwrap_or(u64::MAX));
}

/// Versions are never negative.
fn put_version(bytes: &mut Vec<u8>, version: i64) {
    put_number(bytes, u64::try_from(version).unwrap_or(0));
}

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

pub(super) fn decode(text: &str) -> Result<Token, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::NotText)?;
    let body = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(TokenError::Damaged)?;
    let (body, sum) = bytes.split_at_checked(body).ok_or(TokenError::Damaged)?;
    if checksum(body) != sum {
        return Err(TokenError::Damaged);
    }
    match body.split_first() {
        Some((&FORMAT, sections)) => read(Reader { rest: sections }),
        Some((&format, _)) => Err(TokenError::Unknown(format)),
        None => Err(TokenError::Damaged),
    }
}

fn read(mut reader: Reader<'_>) -> Result<Token, TokenError> {
    let mut token = Token::default();
    while let Some(kind) = reader.byte() {
        let known = match kind {
            LEVELS => read_levels(&mut reader, &mut token),
            ITEM => reader.item().zip(reader.version()).map(|(item, version)| {
                super::raise(&mut token.items, item, version);
            }),
            LOCATION => reader.location().zip(reader.version()).map(|(location, version)| {
                super::raise(&mut token.locations, location, version);
            }),
            WIDE => reader
                .bytes()
                .and_then(Bloom::from_bytes)
                .map(|items| token.wide.push(items)),
            ANY_ITEM => {
                token.any_item = true;
                Some(())
            }
            _ => None,
        };
        known.ok_or(TokenError::Damaged)?;
    }
    Ok(token)
}

fn read_levels(reader: &mut Reader<'_>, token: &mut Token) -> Option<()> {
    let item = reader.item()?;
    for _ in 0..reader.number()? {
        let location = reader.location()?;
        let version = reader.version()?;
        token.require_level(item, &location, version);
    }
    Some(())
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let low = u64::from(byte & 0x7f);
            // What does not come back was shifted out.
            if (low << shift) >> shift != low {
                return None;
            }
            number |= low << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn version(&mut self) -> Option<i64> {
        i64::try_from(self.number()?).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    fn item(&mut self) -> Option<Uuid> {
        Uuid::from_slice(self.take(16)?).ok()
    }

    fn location(&mut self) -> Option<String> {
        let text = self.bytes().filter(|text| text.len() <= MAX_LOCATION_BYTES)?;
        String::from_utf8(text.to_vec()).ok()
    }
}

/// FNV-1a: finds what was cut off or mistyped. It keeps no secret, because there is none.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let sum = bytes.iter().fold(0x811c_9dc5_u32, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    sum.to_be_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sealed(mut bytes: Vec<u8>) -> String {
        bytes.extend_from_slice(&checksum(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn token() -> Token {
        let mut token = Token::default();
        token.require_level(Uuid::from_u128(1), "W1", 300);
        token.items.insert(Uuid::from_u128(2), 1);
        token
    }

    #[test]
    fn numbers_of_all_sizes_come_back() {
        for number in [0, 1, 127, 128, 300, 1 << 40, u64::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            assert_eq!(Reader { rest: &bytes }.number(), Some(number));
        }
        assert_eq!(Reader { rest: &[0xff; 12] }.number(), None, "never ends");
        assert_eq!(Reader { rest: &[0x80] }.number(), None, "is cut off");
    }

    #[test]
    fn a_token_that_is_cut_off_or_changed_is_refused() {
        let text = encode(&token());
        for end in 0..text.len() {
            assert!(decode(text.get(..end).unwrap()).is_err(), "{end}");
        }
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            let byte = changed.get_mut(place).unwrap();
            *byte = if *byte == b'A' { b'B' } else { b'A' };
            assert!(decode(&String::from_utf8(changed).unwrap()).is_err(), "{place}");
        }
        assert_eq!(decode("Ünsinn"), Err(TokenError::NotText));
    }

    #[test]
    fn sections_that_mean_nothing_are_refused_even_if_the_sum_is_right() {
        assert_eq!(decode(&sealed(vec![2])), Err(TokenError::Unknown(2)));
        for sections in [vec![1, 9], vec![1, LEVELS, 0], vec![1, WIDE, 0], vec![1, LOCATION, 200]] {
            assert_eq!(
                decode(&sealed(sections.clone())),
                Err(TokenError::Damaged),
                "{sections:?}"
            );
        }
        assert_eq!(decode(&sealed(vec![1])), Ok(Token::default()));
    }
}
