//! Issuers: who says what a tenant's tokens say (CONTRACT §7).

use domain::tenant::Tenant;
use url::Url;

use crate::config::Settings;

/// Gives a tenant's issuer: `OIDC_ISSUER_URL` for the default tenant; else the tenant's own host
/// below `TENANT_BASE_DOMAIN`; else its path below `OIDC_ISSUER_URL`. Never anything a request said.
#[must_use]
pub fn issuer_of(settings: &Settings, tenant: &Tenant) -> String {
    let issuer = &settings.oidc.issuer;
    let default = &settings.tenants.default;
    if tenant.slug == *default || tenant.id.to_string() == *default {
        return issuer.clone();
    }
    settings
        .tenants
        .base_domain
        .as_deref()
        .and_then(|domain| at_subdomain(issuer, &tenant.slug, domain))
        .unwrap_or_else(|| format!("{issuer}/t/{}", tenant.slug))
}

/// Puts the tenant's host in the place of the issuer's; scheme and port stay.
fn at_subdomain(issuer: &str, slug: &str, domain: &str) -> Option<String> {
    let mut url = Url::parse(issuer).ok()?;
    url.set_host(Some(&format!("{slug}.{domain}"))).ok()?;
    url.set_path("");
    Some(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subdomain_keeps_scheme_and_port() {
        let at = |issuer| at_subdomain(issuer, "acme", "auth.example.org");
        assert_eq!(
            at("https://id.example.org").as_deref(),
            Some("https://acme.auth.example.org")
        );
        assert_eq!(
            at("http://localhost:4000").as_deref(),
            Some("http://acme.auth.example.org:4000")
        );
    }
}
