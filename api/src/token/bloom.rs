//! A set of items in few bytes that may claim a member too many, never one too few.

use uuid::Uuid;

/// With ten bits for each member and seven probes, about one stranger in a hundred is taken for a member.
const BITS_PER_MEMBER: usize = 10;
const PROBES: u64 = 7;
/// Beyond this, strangers are taken for members more and more often: they are read from Postgres, that is all.
const MAX_BYTES: usize = 1_280;

/// A Bloom filter of item ids. The hashes are part of the wire format: changing them needs a new kind of section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bloom {
    bits: Vec<u8>,
}

impl Bloom {
    pub(super) fn of(items: impl ExactSizeIterator<Item = Uuid>) -> Self {
        let bytes = (items.len() * BITS_PER_MEMBER).div_ceil(8).clamp(1, MAX_BYTES);
        let mut bits = vec![0; bytes];
        for item in items {
            for (byte, mask) in places(item, bytes) {
                if let Some(byte) = bits.get_mut(byte) {
                    *byte |= mask;
                }
            }
        }
        Self { bits }
    }

    /// Bits that came over the wire; `None` for none at all or more than a filter has.
    pub(super) fn from_bytes(bits: &[u8]) -> Option<Self> {
        (1..=MAX_BYTES)
            .contains(&bits.len())
            .then(|| Self { bits: bits.to_vec() })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bits
    }

    pub(super) fn may_contain(&self, item: Uuid) -> bool {
        places(item, self.bits.len()).all(|(byte, mask)| self.bits.get(byte).is_none_or(|bits| bits & mask != 0))
    }
}

/// Byte and mask of each probe.
fn places(item: Uuid, bytes: usize) -> impl Iterator<Item = (usize, u8)> {
    let (high, low) = item.as_u64_pair();
    let first = mix(high ^ mix(low));
    // Odd, so that no two probes coincide by a step of zero.
    let step = mix(first) | 1;
    let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8).max(1);
    (0..PROBES).map(move |probe| {
        let bit = first.wrapping_add(step.wrapping_mul(probe)) % bits;
        let byte = usize::try_from(bit / 8).unwrap_or(usize::MAX);
        (byte, 1 << (bit % 8))
    })
}

/// The finalizer of splitmix64 (Steele, Lea and Flood 2014).
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_known_and_the_hash_stays_what_it_is() {
        let items: Vec<Uuid> = (0..10).map(Uuid::from_u128).collect();
        let set = Bloom::of(items.iter().copied());
        assert!(items.iter().all(|item| set.may_contain(*item)));
        assert_eq!(set.as_bytes().len(), 13);
        // Tokens outlive a release.
        assert_eq!(mix(1), 0x910a_2dec_8902_5cc1);
    }

    #[test]
    fn bits_that_are_none_are_refused() {
        assert_eq!(Bloom::from_bytes(&[]), None);
        assert_eq!(Bloom::from_bytes(&[0; MAX_BYTES + 1]), None);
    }
}
