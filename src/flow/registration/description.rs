//! How a client describes itself, in the words of RFC 7591 §2: in a registration, or in a document of
//! its own.
//!
//! What is not understood is passed over (RFC 7591 §2). What only an operator may say has no member
//! here: roles, lifetimes, whose client it is, whether it may introspect.

use domain::client::ClientType;
use domain::rejection::{OAuthCode, Refusal};
use domain::scope::ScopeSet;
use serde::Deserialize;
use serde_json::Value;

use crate::flow::admin::clients::{
    AnswersPatch, CertificatesPatch, KeysPatch, LogoutPatch, MetadataPatch, PagesPatch,
    PolicyPatch, SubjectsPatch,
};
use crate::flow::token::client_auth::{METHOD_BASIC, METHOD_NONE};

/// The grants of a client that nobody vouches for: those that a person decides on. What it may do for
/// itself is for an operator to say.
pub(in crate::flow) const GRANTS: [&str; 3] = [
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
];

/// The name of a client that does not say one.
const NAMELESS: &str = "An unnamed application";

/// A client's own description.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(
    missing_docs,
    clippy::struct_excessive_bools,
    reason = "each is RFC 7591's or OpenID Connect Registration's own word"
)]
pub struct Description {
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    pub client_name: Option<String>,
    pub redirect_uris: Vec<String>,
    pub grant_types: Option<Vec<String>>,
    pub response_types: Option<Vec<String>>,
    pub scope: Option<String>,
    pub token_endpoint_auth_method: Option<String>,
    pub application_type: Option<String>,
    pub jwks: Option<Value>,
    pub jwks_uri: Option<String>,
    pub token_endpoint_auth_signing_alg: Option<String>,
    pub request_object_signing_alg: Option<String>,
    pub require_signed_request_object: bool,
    pub require_pushed_authorization_requests: bool,
    pub dpop_bound_access_tokens: bool,
    pub tls_client_certificate_bound_access_tokens: bool,
    pub tls_client_auth_subject_dn: Option<String>,
    pub tls_client_auth_san_dns: Option<String>,
    pub tls_client_auth_san_uri: Option<String>,
    pub tls_client_auth_san_ip: Option<String>,
    pub tls_client_auth_san_email: Option<String>,
    pub default_max_age: Option<u64>,
    pub post_logout_redirect_uris: Vec<String>,
    pub client_uri: Option<String>,
    pub logo_uri: Option<String>,
    pub policy_uri: Option<String>,
    pub tos_uri: Option<String>,
    pub id_token_signed_response_alg: Option<String>,
    pub userinfo_signed_response_alg: Option<String>,
    pub introspection_signed_response_alg: Option<String>,
    pub subject_type: Option<String>,
    pub sector_identifier_uri: Option<String>,
    pub backchannel_logout_uri: Option<String>,
    pub backchannel_logout_session_required: bool,
    pub frontchannel_logout_uri: Option<String>,
    pub frontchannel_logout_session_required: bool,
    pub request_uris: Vec<String>,
    pub software_statement: Option<Value>,
    // RFC 7592 §2.2: what an update must not hold.
    pub registration_access_token: Option<Value>,
    pub registration_client_uri: Option<Value>,
    pub client_secret_expires_at: Option<Value>,
    pub client_id_issued_at: Option<Value>,
}

// === impl Description ===

impl Description {
    /// Takes a client's description of itself.
    ///
    /// # Errors
    /// `invalid_client_metadata` when a member has the wrong type; `invalid_software_statement` when
    /// somebody vouches for the client, since there is nobody whose word is taken for it.
    pub fn read(said: Value) -> Result<Self, Refusal> {
        let read: Self = serde_json::from_value(said)
            .map_err(|_| invalid_metadata("a member of the metadata has the wrong type"))?;
        if read.software_statement.is_some() {
            let hint = "software statements are not accepted here";
            return Err(Refusal::oauth(OAuthCode::InvalidSoftwareStatement, hint));
        }
        Ok(read)
    }

    /// Gives the client's name for people.
    pub(in crate::flow) fn name(&self) -> &str {
        self.client_name.as_deref().unwrap_or(NAMELESS)
    }

    /// Says what stands behind the client (OpenID Connect Registration §2): a web application unless
    /// all of its answers go to a person's own device.
    ///
    /// # Errors
    /// `invalid_client_metadata` for another word; `invalid_redirect_uri` for a web application
    /// without TLS.
    pub(in crate::flow) fn client_type(&self) -> Result<ClientType, Refusal> {
        let is_https = |uri: &String| uri.starts_with("https://");
        match self.application_type.as_deref() {
            Some("native") => Ok(ClientType::Native),
            Some("web") if self.redirect_uris.iter().all(is_https) => Ok(ClientType::Web),
            Some("web") => {
                let hint = "redirect_uris: those of a web application use https";
                Err(Refusal::oauth(OAuthCode::InvalidRedirectUri, hint))
            }
            Some(_) => Err(invalid_metadata("application_type: must be web or native")),
            None if self.redirect_uris.iter().any(is_https) => Ok(ClientType::Web),
            None => Ok(ClientType::Native),
        }
    }

    /// Refuses what a client may not do that nobody vouches for.
    ///
    /// # Errors
    /// `invalid_client_metadata`.
    pub(in crate::flow) fn check_offer(&self) -> Result<(), Refusal> {
        let is_open = |grant: &String| GRANTS.contains(&grant.as_str());
        if !self.grant_types.iter().flatten().all(is_open) {
            let hint = format!("grant_types: must be of {}", GRANTS.join(", "));
            return Err(invalid_metadata(hint));
        }
        if !self
            .response_types
            .iter()
            .flatten()
            .all(|kind| kind == "code")
        {
            return Err(invalid_metadata("response_types: must be code"));
        }
        Ok(())
    }

    /// Says the whole registration, so that nothing stands that the client no longer says. Scopes are
    /// narrowed to those on offer: without any said, it gets them all.
    ///
    /// # Errors
    /// `invalid_client_metadata` when the scope is none.
    pub(in crate::flow) fn into_patch(
        self,
        client_type: ClientType,
        offered: &ScopeSet,
    ) -> Result<MetadataPatch, Refusal> {
        let scopes = narrow(self.scope.as_deref(), offered)?;
        let (subjects, logout) = (self.subjects(), self.logout());
        let method = match client_type {
            ClientType::Native => METHOD_NONE,
            _ => METHOD_BASIC,
        };
        let usual = || vec![GRANTS[0].to_owned()];
        Ok(MetadataPatch {
            redirect_uris: Some(self.redirect_uris),
            grant_types: Some(self.grant_types.unwrap_or_else(usual)),
            scopes: Some(scopes),
            token_endpoint_auth_method: self
                .token_endpoint_auth_method
                .or_else(|| Some(method.to_owned())),
            policy: PolicyPatch {
                require_pushed_authorization_requests: Some(
                    self.require_pushed_authorization_requests,
                ),
                dpop_bound_access_tokens: Some(self.dpop_bound_access_tokens),
                default_max_age: Some(self.default_max_age),
                ..PolicyPatch::default()
            },
            keys: KeysPatch {
                jwks: Some(self.jwks),
                jwks_uri: Some(self.jwks_uri),
                token_endpoint_auth_signing_alg: Some(self.token_endpoint_auth_signing_alg),
                request_object_signing_alg: Some(self.request_object_signing_alg),
                require_signed_request_object: Some(self.require_signed_request_object),
                request_uris: Some(self.request_uris),
            },
            certificates: CertificatesPatch {
                tls_client_certificate_bound_access_tokens: Some(
                    self.tls_client_certificate_bound_access_tokens,
                ),
                tls_client_auth_subject_dn: Some(self.tls_client_auth_subject_dn),
                tls_client_auth_san_dns: Some(self.tls_client_auth_san_dns),
                tls_client_auth_san_uri: Some(self.tls_client_auth_san_uri),
                tls_client_auth_san_ip: Some(self.tls_client_auth_san_ip),
                tls_client_auth_san_email: Some(self.tls_client_auth_san_email),
            },
            answers: AnswersPatch {
                id_token_signed_response_alg: Some(self.id_token_signed_response_alg),
                userinfo_signed_response_alg: Some(self.userinfo_signed_response_alg),
                introspection_signed_response_alg: Some(self.introspection_signed_response_alg),
            },
            pages: PagesPatch {
                post_logout_redirect_uris: Some(self.post_logout_redirect_uris),
                client_uri: Some(self.client_uri),
                logo_uri: Some(self.logo_uri),
                policy_uri: Some(self.policy_uri),
                tos_uri: Some(self.tos_uri),
            },
            subjects,
            logout,
            ..MetadataPatch::default()
        })
    }

    fn subjects(&self) -> SubjectsPatch {
        SubjectsPatch {
            subject_type: Some(self.subject_type.clone()),
            sector_identifier_uri: Some(self.sector_identifier_uri.clone()),
        }
    }

    fn logout(&self) -> LogoutPatch {
        LogoutPatch {
            backchannel_logout_uri: Some(self.backchannel_logout_uri.clone()),
            backchannel_logout_session_required: Some(self.backchannel_logout_session_required),
            frontchannel_logout_uri: Some(self.frontchannel_logout_uri.clone()),
            frontchannel_logout_session_required: Some(self.frontchannel_logout_session_required),
        }
    }
}

fn narrow(said: Option<&str>, offered: &ScopeSet) -> Result<Vec<String>, Refusal> {
    let Some(said) = said else {
        return Ok(offered.iter().map(str::to_owned).collect());
    };
    let said = ScopeSet::parse(said).map_err(|error| invalid_metadata(error.to_string()))?;
    let both = said.iter().filter(|scope| offered.contains(scope));
    Ok(both.map(str::to_owned).collect())
}

/// Refuses a registration in the words of RFC 7591 §3.2.2.
pub(in crate::flow) fn invalid_metadata(
    hint: impl Into<std::borrow::Cow<'static, str>>,
) -> Refusal {
    Refusal::oauth(OAuthCode::InvalidClientMetadata, hint)
}

/// Says what is wrong with fields in the words of RFC 7591 §3.2.2.
pub(in crate::flow) fn in_words_of_rfc_7591(refusal: &Refusal) -> Refusal {
    let told = refusal.fields.iter();
    let told: Vec<String> = told
        .map(|wrong| format!("{}: {}", wrong.field, wrong.message))
        .collect();
    let is_about_places = refusal
        .fields
        .iter()
        .any(|wrong| wrong.field == "redirect_uris");
    let code = if is_about_places {
        OAuthCode::InvalidRedirectUri
    } else {
        OAuthCode::InvalidClientMetadata
    };
    Refusal::oauth(code, told.join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(said: Value) -> Description {
        Description::read(said).expect("a description")
    }

    #[test]
    fn what_stands_behind_a_client_is_said_or_seen() {
        let of = |said| read(said).client_type().map_err(|refusal| refusal.oauth);
        let (https, local) = ("https://a.example/cb", "http://127.0.0.1/cb");
        assert_eq!(of(json!({ "redirect_uris": [https] })), Ok(ClientType::Web));
        assert_eq!(
            of(json!({ "redirect_uris": [local] })),
            Ok(ClientType::Native)
        );
        let native = json!({ "application_type": "native", "redirect_uris": [https] });
        assert_eq!(of(native), Ok(ClientType::Native));
        let web = json!({ "application_type": "web", "redirect_uris": [https, local] });
        assert_eq!(of(web), Err(Some(OAuthCode::InvalidRedirectUri)));
        let other = json!({ "application_type": "desktop" });
        assert_eq!(of(other), Err(Some(OAuthCode::InvalidClientMetadata)));
    }

    #[test]
    fn rfc_7591_2_what_is_not_understood_is_passed_over() {
        let said = json!({
            "roles": ["admin"], "is_first_party": true, "may_introspect": true, "x": {},
        });
        let patch = read(said).into_patch(ClientType::Web, &ScopeSet::default());
        let patch = patch.expect("acceptable");
        assert_eq!((patch.roles, patch.policy.is_first_party), (None, None));
        assert_eq!(patch.policy.may_introspect, None);
    }

    #[test]
    fn openid_connect_registration_2_a_client_says_what_it_is_answered_in() {
        let said = json!({
            "id_token_signed_response_alg": "RS256", "userinfo_signed_response_alg": "PS256",
        });
        let patch = read(said).into_patch(ClientType::Web, &ScopeSet::default());
        let answers = patch.expect("acceptable").answers;
        let rs256 = Some(Some("RS256".to_owned()));
        assert_eq!(answers.id_token_signed_response_alg, rs256);
        assert_eq!(answers.introspection_signed_response_alg, Some(None));
        let offered = answers.offered();
        assert_eq!(offered.id_token_signed_response_alg, rs256);
        assert_eq!(offered.userinfo_signed_response_alg, Some(None));
    }

    #[test]
    fn a_scope_is_narrowed_to_what_is_offered() {
        let offered = ScopeSet::parse("openid email").expect("a scope");
        assert_eq!(
            narrow(None, &offered),
            Ok(vec!["openid".into(), "email".into()])
        );
        assert_eq!(
            narrow(Some("email admin"), &offered),
            Ok(vec!["email".into()])
        );
        assert!(narrow(Some("a\"b"), &offered).is_err());
    }

    #[test]
    fn nobody_vouches_for_a_client_and_it_does_nothing_for_itself() {
        let refused = Description::read(json!({ "software_statement": "a.b.c" }));
        let word = refused.err().and_then(|refusal| refusal.oauth);
        assert_eq!(word, Some(OAuthCode::InvalidSoftwareStatement));
        for said in [
            json!({ "grant_types": ["client_credentials"] }),
            json!({ "grant_types": ["authorization_code", "implicit"] }),
            json!({ "response_types": ["code", "token"] }),
        ] {
            assert!(read(said).check_offer().is_err());
        }
        assert!(Description::read(json!({ "redirect_uris": "x" })).is_err());
    }
}
