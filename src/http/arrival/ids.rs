//! Ids of requests, which every request needs one of.
//!
//! An id is no secret; it must only be nobody else's by accident. So its random bits are fetched for many at
//! a time by each thread: to ask the generator costs more than all else that is known of an arrival.

use std::cell::RefCell;

use domain::id::RequestId;
use domain::random::Random;
use domain::time::UnixMillis;
use uuid::Builder;

/// How many random bytes an id takes (RFC 9562 §5.7).
const BITS: usize = 10;
/// For how many ids they are fetched at a time.
const AT_ONCE: usize = 64;

thread_local! {
    static FETCHED: RefCell<Vec<[u8; BITS]>> = const { RefCell::new(Vec::new()) };
}

/// Makes a new id.
pub(super) fn generate(now: UnixMillis, random: &dyn Random) -> RequestId {
    let bits = FETCHED.with_borrow_mut(|fetched| {
        if fetched.is_empty() {
            let bytes = random.array::<{ BITS * AT_ONCE }>();
            fetched.extend(bytes.as_chunks::<BITS>().0);
        }
        fetched.pop()
    });
    let bits = bits.unwrap_or_else(|| random.array());
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    RequestId::from_uuid(Builder::from_unix_timestamp_millis(millis, &bits).into_uuid())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::entropy::SystemRandom;

    use super::*;

    #[test]
    fn ids_are_of_their_instant_and_no_two_are_the_same() {
        let now = UnixMillis::from_millis(1_800_000_000_123);
        let ids = (0..10 * AT_ONCE).map(|_| generate(now, &SystemRandom).as_uuid());
        let ids: BTreeSet<_> = ids.collect();
        assert_eq!(ids.len(), 10 * AT_ONCE);
        for id in ids {
            assert_eq!(id.get_version_num(), 7);
            let millis = id.as_u128() >> 80;
            assert_eq!(millis, 1_800_000_000_123);
        }
    }
}
