//! The key service that wraps the tenants' data keys, where it is not `SYSTEM_SECRETS` that do.

use std::path::PathBuf;

use url::Url;

use crate::config::kind::text::{PATH, TEXT};
use crate::config::kind::web::LINK_URL;
use crate::config::kind::{Choice, FLAG, Parsed};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{Required, of, variables};

/// A key service: the Transit engine of Vault or of OpenBao.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyServiceSettings {
    /// Where it is; `KMS_URL`.
    pub url: Url,
    /// What its master key is called; `KMS_KEY`.
    pub key: String,
    /// Where the engine is mounted; `KMS_MOUNT`, `transit`.
    pub mount: String,
    /// The namespace that it is in; `KMS_NAMESPACE`, none.
    pub namespace: Option<String>,
    /// The file that holds what it knows us by, read for each question; `KMS_TOKEN_PATH`.
    pub token: PathBuf,
    /// The authorities in PEM that vouch for it; `KMS_CA_PATH`, the system's.
    pub ca: Option<PathBuf>,
    /// Whether it wraps, or only unwraps what it wrapped before; `KMS_WRAPS`, it wraps.
    pub wraps: bool,
}

/// The longest name of a key or a mount.
const MAX_NAME: usize = 128;

/// A name that stands in a path as it is.
const NAME: Parsed<String> = Parsed {
    expected: "a name of letters, digits, - and _",
    parse: |text| Some(text.trim().to_owned()).filter(|name| is_name(name)),
};

/// Several, one below the other.
const MOUNT: Parsed<String> = Parsed {
    expected: "names of letters, digits, - and _, with / between them",
    parse: |text| {
        let text = text.trim();
        let is_fine = text.len() <= MAX_NAME && text.split('/').all(is_name);
        is_fine.then(|| text.to_owned())
    },
};

variables! {
    /// Key service that wraps the tenants' data keys: a Vault or an OpenBao with the Transit engine.
    /// In clear text on this machine only. Absent: `SYSTEM_SECRETS` wrap them.
    KMS_URL: Parsed<Url> = of(LINK_URL);
    /// Name of the master key in that engine. It is rotated there, and made there before.
    KMS_KEY: Parsed<String> = of(NAME).required(Required::WhenSet("KMS_URL"));
    /// Where the engine is mounted.
    KMS_MOUNT: Parsed<String> = of(MOUNT).or("transit");
    /// Namespace that the engine is in.
    KMS_NAMESPACE: Parsed<String> = of(TEXT);
    /// File with the token that the key service knows us by. It is read for each question, so an agent may
    /// renew it.
    KMS_TOKEN_PATH: Parsed<PathBuf> = of(PATH).required(Required::WhenSet("KMS_URL"));
    /// Certificate authorities in PEM that alone vouch for the key service. Absent: the system's do.
    KMS_CA_PATH: Parsed<PathBuf> = of(PATH);
    /// Whether the key service wraps. `false` while it comes or goes: it unwraps what it wrapped, and
    /// `SYSTEM_SECRETS` wrap everything anew.
    KMS_WRAPS: Choice<bool> = of(FLAG).or("true");
}

/// Letters and digits, and between them what the engine allows that means nothing in a path.
fn is_name(text: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_fine)
}

// === impl KeyServiceSettings ===

impl KeyServiceSettings {
    pub(super) fn read(values: &Values) -> Result<Option<Self>, Mistake> {
        let Some(url) = values.find(&KMS_URL)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            url,
            key: values.get(&KMS_KEY)?,
            mount: values.get(&KMS_MOUNT)?,
            namespace: values.find(&KMS_NAMESPACE)?,
            token: values.get(&KMS_TOKEN_PATH)?,
            ca: values.find(&KMS_CA_PATH)?,
            wraps: values.get(&KMS_WRAPS)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_nothing_else_in_a_path() {
        for text in ["data-keys", "Data_Keys2"] {
            assert_eq!((NAME.parse)(text).as_deref(), Some(text));
        }
        for text in ["", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "schlüssel"] {
            assert_eq!((NAME.parse)(text), None, "{text}");
        }
        assert_eq!((MOUNT.parse)("eu/transit").as_deref(), Some("eu/transit"));
        for text in ["/transit", "transit/", "eu//transit", "eu/../sys", "eu/./t"] {
            assert_eq!((MOUNT.parse)(text), None, "{text}");
        }
    }
}
