//! What was just done, in a sentence above the page that follows. The address carries the word, so that
//! nobody can put a sentence of their own there.

/// Gives the sentence of a word; nothing for any other.
pub(super) fn of_deed(word: &str) -> &'static str {
    let known = DEEDS.iter().find(|(known, _)| *known == word);
    known.map_or("", |(_, sentence)| sentence)
}

const DEEDS: [(&str, &str); 23] = [
    ("created", "It was made."),
    ("saved", "The change was saved."),
    ("deleted", "It was deleted."),
    (
        "locked",
        "The account is locked, and signed out everywhere.",
    ),
    ("unlocked", "The account is open again."),
    (
        "suspended",
        "The account is suspended, and signed out everywhere.",
    ),
    (
        "factors",
        "Its second factors were taken away, and it is signed out everywhere.",
    ),
    ("session", "That sign-in has ended."),
    ("sessions", "All its sign-ins have ended."),
    ("unlinked", "It is linked to that account no more."),
    ("role", "The role was made."),
    ("role_deleted", "The role was deleted, with its policies."),
    ("policy", "The policy was made."),
    ("policy_deleted", "The policy was taken back."),
    ("granted", "The role was given."),
    ("revoked", "The role was taken."),
    ("rotated", "The next key signs from now on."),
    ("key_revoked", "The key was revoked."),
    (
        "api_key_revoked",
        "The API key was revoked: it opens nothing any more.",
    ),
    (
        "tenant_suspended",
        "The tenant is suspended: every request for it is refused.",
    ),
    ("tenant_activated", "The tenant is open again."),
    (
        "tenant_deleted",
        "The tenant was deleted. Until its day it can be restored.",
    ),
    (
        "tenant_restored",
        "The tenant was restored. It is suspended until it is opened.",
    ),
];
