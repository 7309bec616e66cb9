//! What names a tenant, and what comes of it.

use std::time::Duration;

use domain::id::TenantId;
use domain::random::Counting;
use domain::time::UnixMillis;
use http::Request;
use http::request::Parts;

use super::*;

struct Town(Vec<Arc<Tenant>>);

impl Tenants for Town {
    fn by_slug(&self, slug: &str) -> Option<Arc<Tenant>> {
        self.0.iter().find(|tenant| tenant.slug == slug).cloned()
    }

    fn by_name(&self, name: &str) -> Option<Arc<Tenant>> {
        let by_id = self.0.iter().find(|tenant| tenant.id.to_string() == name);
        by_id.cloned().or_else(|| self.by_slug(name))
    }

    fn default_tenant(&self) -> Option<Arc<Tenant>> {
        self.0.first().cloned()
    }
}

fn town() -> Town {
    let random = Counting::default();
    let tenant = |(slug, status): (&str, TenantStatus)| {
        Arc::new(Tenant {
            id: TenantId::generate(UnixMillis::default(), &random),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            status,
            config: domain::tenant::TenantConfig::default(),
            version: 1,
            created_at: UnixMillis::default(),
            erase_at: None,
        })
    };
    let tenants = [
        ("default", TenantStatus::Active),
        ("acme", TenantStatus::Active),
        ("closed", TenantStatus::Suspended),
        ("gone", TenantStatus::Deleted),
    ];
    Town(tenants.into_iter().map(tenant).collect())
}

fn settings(resolution: ResolutionMode) -> TenantSettings {
    TenantSettings {
        default: "default".to_owned(),
        resolution,
        base_domain: Some("auth.example.org".to_owned()),
        cache_ttl: Duration::from_secs(1),
        deletion_grace: Duration::from_secs(1),
    }
}

/// Resolves a request; gives the slug or the refusal's code.
fn resolve(named: Named<'_>) -> Result<String, Code> {
    match named.resolve(&town()) {
        Ok(tenant) => Ok(tenant.slug.clone()),
        Err(Rejection::Refused(refusal)) => Err(refusal.code),
        Err(Rejection::Failed(fault)) => panic!("{fault}"),
    }
}

fn named<'a>(host: &'a str, header: &'a str, path: &'a str) -> Named<'a> {
    let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
    Named {
        host: some(host),
        header: some(header),
        path: some(path),
    }
}

fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

#[test]
fn a_request_that_names_none_is_the_default_tenants() {
    assert_eq!(resolve(Named::default()), Ok("default".to_owned()));
}

#[test]
fn an_unknown_or_deleted_tenant_is_404_and_a_suspended_one_403() {
    assert_eq!(resolve(named("", "gone", "gone")), Err(Code::NotFound));
    assert_eq!(resolve(named("", "nobody", "")), Err(Code::NotFound));
    assert_eq!(resolve(named("nobody", "", "acme")), Err(Code::NotFound));
    assert_eq!(resolve(named("", "", "closed")), Err(Code::Forbidden));
}

#[test]
fn a_host_has_no_case() {
    assert_eq!(resolve(named("ACME", "", "acme")), Ok("acme".to_owned()));
    assert_eq!(resolve(named("", "ACME", "")), Err(Code::NotFound));
}

#[test]
fn different_tenants_are_400_and_the_same_twice_is_fine() {
    assert_eq!(resolve(named("acme", "default", "")), Err(Code::BadRequest));
    assert_eq!(resolve(named("", "acme", "closed")), Err(Code::BadRequest));
    assert_eq!(
        resolve(named("acme", "acme", "acme")),
        Ok("acme".to_owned())
    );
}

#[test]
fn the_header_takes_an_id_too() {
    let town = town();
    let id = town.0[1].id.to_string();
    let found = named("", &id, "acme").resolve(&town).expect("a tenant");
    assert_eq!(found.slug, "acme");
    assert!(
        named("", "", &id).resolve(&town).is_err(),
        "the path takes slugs only"
    );
}

#[test]
fn nothing_loaded_is_our_failure_and_not_a_missing_tenant() {
    let empty = named("", "acme", "").resolve(&Town(Vec::new()));
    assert_eq!(empty, Err(Rejection::Failed(Fault::Restarting("tenants"))));
}

#[test]
fn a_host_below_the_base_domain_names_a_tenant() {
    let settings = settings(ResolutionMode::Both);
    let host = |host: &str| {
        let parts = parts("/", &[("host", host)]);
        let named =
            Named::collect(&settings, (&parts.uri, &parts.headers), None).expect("one name");
        named.host.map(str::to_owned)
    };
    assert_eq!(host("acme.auth.example.org"), Some("acme".to_owned()));
    assert_eq!(host("acme.AUTH.example.org.:8443"), Some("acme".to_owned()));
    assert_eq!(host("ACME.auth.example.org:8443"), Some("ACME".to_owned()));
    assert_eq!(
        host("a.b.auth.example.org"),
        Some("a.b".to_owned()),
        "and then unknown"
    );
    for other in [
        "auth.example.org",
        "evilauth.example.org",
        "x",
        "[::1]:4000",
    ] {
        assert_eq!(host(other), None, "{other}");
    }
}

#[test]
fn http2_names_its_host_in_the_uri() {
    let parts = parts("https://acme.auth.example.org/auth/me", &[]);
    let named = Named::collect(
        &settings(ResolutionMode::Subdomain),
        (&parts.uri, &parts.headers),
        None,
    );
    assert_eq!(named.map(|named| named.host), Ok(Some("acme")));
}

#[test]
fn the_mode_says_what_is_listened_to() {
    let parts = parts(
        "/",
        &[
            ("host", "acme.auth.example.org"),
            ("x-tenant-id", "default"),
        ],
    );
    let both = Named::collect(
        &settings(ResolutionMode::Both),
        (&parts.uri, &parts.headers),
        None,
    );
    assert_eq!(both, Ok(named("acme", "default", "")));
    let host = Named::collect(
        &settings(ResolutionMode::Subdomain),
        (&parts.uri, &parts.headers),
        None,
    );
    assert_eq!(host, Ok(named("acme", "", "")));
    let header = Named::collect(
        &settings(ResolutionMode::Header),
        (&parts.uri, &parts.headers),
        None,
    );
    assert_eq!(header, Ok(named("", "default", "")));
}

#[test]
fn two_headers_are_refused() {
    let parts = parts("/", &[("x-tenant-id", "acme"), ("x-tenant-id", "default")]);
    assert!(
        Named::collect(
            &settings(ResolutionMode::Both),
            (&parts.uri, &parts.headers),
            None
        )
        .is_err()
    );
}
