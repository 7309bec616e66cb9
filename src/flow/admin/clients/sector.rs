//! Asking the document behind a `sector_identifier_uri` whether it names the client (OpenID Connect Core
//! §8.1, Registration §5): a client that could choose its sector freely would be told the subjects of
//! others.

use domain::client::ClientMetadata;
use domain::rejection::Refusal;
use url::Url;

use crate::flow::Flows;

const FIELD: &str = "sector_identifier_uri";

/// Refuses a registration whose redirect URIs are not all in its sector's document. What stood before
/// is not asked about again.
///
/// # Errors
/// 422 about `sector_identifier_uri`. A client is not told why a document could not be had.
///
/// # Cancel safety
/// Reads only.
pub(in crate::flow) async fn check(
    flows: &Flows,
    before: Option<&ClientMetadata>,
    metadata: &ClientMetadata,
) -> Result<(), Refusal> {
    let Some(uri) = &metadata.sector_identifier_uri else {
        return Ok(());
    };
    let stands = before.is_some_and(|before| {
        before.sector_identifier_uri.as_ref() == Some(uri)
            && before.redirect_uris == metadata.redirect_uris
    });
    if stands {
        return Ok(());
    }
    let url = Url::parse(uri).map_err(|_| Refusal::field(FIELD, "must be an absolute URI"))?;
    let fetched = flows.egress.fetch(&url).await.map_err(|reason| {
        tracing::info!(%reason, "a sector's document could not be fetched");
        Refusal::field(FIELD, "cannot be fetched")
    })?;
    judge(&fetched.body, &metadata.redirect_uris)
}

fn judge(document: &[u8], redirect_uris: &[String]) -> Result<(), Refusal> {
    let listed: Vec<String> = serde_json::from_slice(document)
        .map_err(|_| Refusal::field(FIELD, "must lead to a JSON array of redirect URIs"))?;
    if redirect_uris.iter().all(|uri| listed.contains(uri)) {
        return Ok(());
    }
    let message = "leads to a document that does not list every redirect URI";
    Err(Refusal::field(FIELD, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openid_connect_core_8_1_every_redirect_uri_is_listed_byte_for_byte() {
        let own = ["https://a.example/cb".to_owned(), "com.app:/cb".to_owned()];
        let is_fine = |document: &str| judge(document.as_bytes(), &own).is_ok();
        assert!(is_fine(
            r#"["https://b.example/","com.app:/cb","https://a.example/cb"]"#
        ));
        for document in [
            r#"["https://a.example/cb"]"#,
            r#"["https://a.example/cb/","com.app:/cb"]"#,
            r#"["https://A.example/cb","com.app:/cb"]"#,
            "[]",
            "{}",
            r#""https://a.example/cb""#,
            r#"["https://a.example/cb","com.app:/cb",1]"#,
            "no JSON",
            "",
        ] {
            assert!(!is_fine(document), "{document}");
        }
    }
}
