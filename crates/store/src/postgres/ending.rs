//! How sessions end, whatever ends them: the part that several verbs' statements share.
//!
//! # Locks
//! Whoever ends sessions locks the user first (if the verb changes the user), then the families in
//! the order of their ids, then writes. Rotations lock their one family and then touch its session,
//! beginnings hold the user shared: so nobody waits in a circle.

use domain::session::EndReason;
use domain::time::UnixMillis;

/// Ends those of the tenant's unended sessions `s` that meet a condition, with all their families,
/// tells the feed, and leaves notices for their clients. Gives four parts of a `WITH`; the ids of the
/// ended are in `ended`.
///
/// Parameters: `$1` the tenant, `$4` until when it must be remembered, `$5` the reason, `$6` the
/// present instant.
macro_rules! ending {
    ($condition:literal) => {
        concat!(
            "ended AS (
                UPDATE sessions AS s
                SET ended_at = $6,
                    ended_reason = $5
                WHERE s.tenant_id = $1
                  AND s.ended_at IS NULL
                  AND ",
            $condition,
            "
                RETURNING s.id
            ), quenched AS (
                UPDATE refresh_families AS f
                SET ended_at = $6,
                    ended_reason = $5
                FROM ended
                WHERE f.tenant_id = $1
                  AND f.session_id = ended.id
                  AND f.ended_at IS NULL
            ), told AS (
                INSERT INTO changes (tenant_id, kind, about, expires_at)
                SELECT $1, 'session_ended', ended.id::text, $4
                FROM ended
            ), ",
            $crate::postgres::notices::leaving!("$6")
        )
    };
}
pub(super) use ending;

/// Locks a user before anything of theirs is changed, and with it every sign-in that would begin.
pub(super) const LOCK_USER: &str = "
    SELECT id
    FROM users
    WHERE tenant_id = $1 AND id = $2
    FOR UPDATE";

/// Locks a user's families, in the one order that everybody locks them in.
pub(super) const LOCK_FAMILIES_OF_USER: &str = "
    SELECT id
    FROM refresh_families
    WHERE tenant_id = $1 AND user_id = $2 AND ended_at IS NULL
    ORDER BY id
    FOR NO KEY UPDATE";

/// Locks the families of the session that a family belongs to, in the same order.
pub(super) const LOCK_FAMILIES_OF_FAMILY: &str = "
    SELECT f.id
    FROM refresh_families AS f
    WHERE f.tenant_id = $1
      AND f.session_id = (
          SELECT session_id FROM refresh_families WHERE tenant_id = $1 AND id = $2
      )
    ORDER BY f.id
    FOR NO KEY UPDATE";

/// The last three of the parameters that [`ending`] reads.
pub(super) struct End {
    pub(super) remember_until: i64,
    pub(super) reason: &'static str,
    pub(super) now: i64,
}

impl End {
    /// Writes why and when sessions end.
    pub(super) const fn new(
        reason: EndReason,
        now: UnixMillis,
        remember_until: UnixMillis,
    ) -> Self {
        Self {
            remember_until: remember_until.as_millis(),
            reason: reason.as_str(),
            now: now.as_millis(),
        }
    }
}
