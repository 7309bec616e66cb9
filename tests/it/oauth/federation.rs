//! Whoever is known elsewhere: what other issuers say at POST /oauth/token makes nobody somebody else here, no
//! address links an account, and no SAML assertion is accepted anywhere.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::key::Algorithm;
use domain::tenant::{AssertedSubject, AssertionIssuer, AssertionProfile, TenantConfig};
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use serde_json::{Value, json};

use super::chosen::choose;
use super::jwt_bearer::{Elsewhere, GRANT};
use super::world::{Registered, World, claims, register};
use crate::browser::Browser;
use crate::cases;
use crate::client::{Answer, Person};
use crate::house::House;

cases![
    owasp_asvs_6_8_1_an_issuer_names_its_own_people_and_nobody_elses,
    no_account_is_linked_by_an_address_that_another_issuer_tells,
    owasp_asvs_6_8_3_no_saml_assertion_is_accepted_once_or_twice,
];

const IDP: &str = "https://idp.example";
const OTHER: &str = "https://other.example";
const STRANGE: &str = "https://strange.example";

const SAML_GRANT: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
const SAML_CLIENT: &str = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";

/// An issuer that a client may show the word of.
fn issuer(name: &str, subject: AssertedSubject, (client, jwks): (&str, Value)) -> AssertionIssuer {
    AssertionIssuer {
        issuer: name.to_owned(),
        profile: AssertionProfile::Assertion,
        subject,
        clients: vec![client.to_owned()],
        jwks: Some(jwks),
        ..AssertionIssuer::default()
    }
}

/// Somebody whose address both sides verified.
pub(super) async fn verified(there: &Elsewhere) -> (Person, String) {
    let house = &there.world.house;
    let eve = Person::register(&house.public(), "eve").await;
    let id = house.user_id(&eve).await;
    for id in [&id, &there.user] {
        let body = json!({ "email_verified": true });
        let path = format!("/admin/users/{id}");
        house.admin().patch(&path, body).await.expect(200);
    }
    (eve, id)
}

async fn plain(house: House) -> Elsewhere {
    let own = AssertionIssuer {
        profile: AssertionProfile::Assertion,
        ..AssertionIssuer::default()
    };
    Elsewhere::new(house, own).await
}

/// Whom a token is for, if one was given.
pub(super) fn subject_of(answer: Answer) -> Option<String> {
    if answer.status != 200 {
        answer.expect_oauth(400, "invalid_grant");
        return None;
    }
    let said = claims(&answer.field("access_token"));
    said["sub"].as_str().map(str::to_owned)
}

/// OWASP ASVS 5.0 §6.8.1: "the user's identity cannot be spoofed via another supported identity provider".
async fn owasp_asvs_6_8_1_an_issuer_names_its_own_people_and_nobody_elses(house: House) {
    let there = plain(house).await;
    verified(&there).await;
    let key = || Signer::new(KeyPair::generate(Algorithm::Es256).expect("a key"));
    let jwks = |signer: &Signer| json!({ "keys": [signer.key().public_jwk()] });
    let (other, strange) = (key(), key());
    let client = there.client.id.as_str();
    let trusted = vec![
        issuer(IDP, AssertedSubject::Account, (client, there.jwks())),
        issuer(
            OTHER,
            AssertedSubject::VerifiedEmail,
            (client, jwks(&other)),
        ),
        issuer(
            STRANGE,
            AssertedSubject::Account,
            ("client_of_others", jwks(&strange)),
        ),
    ];
    let config = TenantConfig {
        assertion_issuers: trusted,
        ..TenantConfig::default()
    };
    choose(&there.world.house, config).await;
    let said = |signer: &Signer, (iss, jti): (&str, &str)| {
        let claims = there.claims(jti, &json!({ "iss": iss }));
        signer.sign(Some("JWT"), &claims).expect("signs")
    };
    let own = there.show(&there.sign("a", &json!({}))).await;
    assert_eq!(subject_of(own).as_ref(), Some(&there.user));
    // The same subject of another issuer, of one that others show, and of one under another's name.
    for spoofed in [
        said(&other, (OTHER, "a")),
        said(&strange, (STRANGE, "a")),
        said(&other, (IDP, "b")),
        said(&strange, (IDP, "c")),
        said(&strange, (OTHER, "d")),
        said(&other, ("https://IDP.example", "e")),
        said(&other, ("https://idp.example/", "f")),
    ] {
        assert_eq!(subject_of(there.show(&spoofed).await), None);
    }
    // An id that one issuer spent is another's to use.
    let email = &there.world.person.email;
    let known = json!({ "iss": OTHER, "sub": "x", "email": email, "email_verified": true });
    let known = other.sign(Some("JWT"), &there.claims("a", &known));
    let known = there.show(&known.expect("signs")).await;
    assert_eq!(subject_of(known).as_ref(), Some(&there.user));
}

async fn no_account_is_linked_by_an_address_that_another_issuer_tells(house: House) {
    let there = plain(house).await;
    let (eve, id) = verified(&there).await;
    let ada = &there.world.person.email;
    let nobody = "00000000-0000-7000-8000-000000000000";
    let people = there.world.house.count_rows("users").await;
    for (subject, address) in [(nobody, ada), ("x", ada), (ada, ada), (ada, &eve.email)] {
        let told = json!({ "sub": subject, "email": address, "email_verified": true });
        let shown = there.show(&there.sign("a", &told)).await;
        assert_eq!(subject_of(shown), None, "{told}");
    }
    // Whoever is named is who it is about, whatever address stands beside.
    let told = json!({ "sub": id, "email": ada, "email_verified": true });
    let shown = there.show(&there.sign("a", &told)).await;
    assert_eq!(subject_of(shown), Some(id));
    assert_eq!(
        there.world.house.count_rows("users").await,
        people,
        "nobody is made"
    );

    let own = AssertionIssuer::default();
    let there = Elsewhere::new(there.world.house.beside(&[]).await, own).await;
    verified(&there).await;
    let told = json!({
        "sub": nobody, "email": there.world.person.email, "email_verified": true,
    });
    let shown = there.show(&there.id_jag("a", &told)).await;
    assert_eq!(subject_of(shown), None, "as ID-JAG");
    let shown = there.show(&there.id_jag("a", &json!({}))).await;
    assert_eq!(subject_of(shown).as_ref(), Some(&there.user));
    there.world.house.stop().await;
}

/// An assertion about somebody; wrapped, with a second one in it that is signed.
fn saml(subject: &str, is_wrapped: bool) -> String {
    let signed = format!(
        "<saml:Assertion ID=\"a\"><saml:Issuer>{IDP}</saml:Issuer><ds:Signature>\
         <ds:SignedInfo><ds:Reference URI=\"#a\"/></ds:SignedInfo></ds:Signature>\
         <saml:Subject><saml:NameID>{subject}</saml:NameID></saml:Subject></saml:Assertion>"
    );
    let inner = if is_wrapped {
        format!(
            "<saml:Assertion ID=\"b\"><saml:Subject><saml:NameID>{subject}<!---->.evil.example\
             </saml:NameID></saml:Subject>{signed}</saml:Assertion>"
        )
    } else {
        signed
    };
    let document = format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{inner}</samlp:Response>"
    );
    BASE64_STANDARD.encode(document)
}

async fn owasp_asvs_6_8_3_no_saml_assertion_is_accepted_once_or_twice(house: House) {
    // That it is to be offered offers nothing yet.
    let files = [
        ("SAML_KEY_PATH", "Cargo.toml"),
        ("SAML_CERT_PATH", "Cargo.toml"),
    ];
    let own = [("SAML_ENABLED", "true"), files[0], files[1]];
    let there = plain(house.beside(&own).await).await;
    let world = &there.world;
    for is_wrapped in [false, true] {
        for subject in [&there.user, &world.person.email] {
            let assertion = saml(subject, is_wrapped);
            for _ in 0..2 {
                at_the_token_endpoint(world, &there.client, &assertion).await;
                on_pages(world, &assertion).await;
            }
        }
    }
    for document in ["openid-configuration", "oauth-authorization-server"] {
        let path = format!("/.well-known/{document}");
        let told = world.house.public().get(&path).await.expect(200);
        assert!(!told.text.to_lowercase().contains("saml"), "{}", told.text);
        assert!(told.text.contains(GRANT), "other assertions are taken");
    }
    // The same client is given a token for an assertion of the kind that is taken.
    there.show(&there.sign("a", &json!({}))).await.expect(200);
    world.house.stop().await;
}

async fn at_the_token_endpoint(world: &World, client: &Registered, assertion: &str) {
    let fields = [("grant_type", SAML_GRANT), ("assertion", assertion)];
    let refused = world.token(client, &fields).await;
    refused.expect_oauth(400, "unsupported_grant_type");
    // Nor does one pass for the kind that is taken.
    let fields = [("grant_type", GRANT), ("assertion", assertion)];
    let refused = world.token(client, &fields).await;
    refused.expect_oauth(400, "invalid_grant");
    for grant in ["client_credentials", GRANT] {
        let fields = [
            ("grant_type", grant),
            ("client_id", client.id.as_str()),
            ("client_assertion_type", SAML_CLIENT),
            ("client_assertion", assertion),
        ];
        let refused = world.house.public().form("/oauth/token", &fields).await;
        refused.expect_oauth(401, "invalid_client");
    }
    let exchanger = json!({
        "redirect_uris": [], "grant_types": [super::exchange::GRANT], "scopes": ["read"],
    });
    let exchanger = register(&world.house, "service", exchanger).await;
    for kind in ["saml1", "saml2"] {
        let kind = format!("urn:ietf:params:oauth:token-type:{kind}");
        let fields = [
            ("grant_type", super::exchange::GRANT),
            ("subject_token", assertion),
            ("subject_token_type", kind.as_str()),
        ];
        let refused = world.token(&exchanger, &fields).await;
        refused.expect_oauth(400, "invalid_request");
    }
}

/// Wherever an identity provider would have a browser bring it.
async fn on_pages(world: &World, assertion: &str) {
    let fields = [("SAMLResponse", assertion), ("RelayState", "/account")];
    for path in [
        "/auth/saml/acs",
        "/auth/saml/login",
        "/auth/saml/metadata",
        "/saml/acs",
    ] {
        let posted = world.house.public().form(path, &fields).await;
        posted.expect(404);
        world.house.public().get(path).await.expect(404);
    }
    let mut browser = Browser::new(&world.house.public());
    let page = browser.open("/sign-in").await;
    let (_, hidden) = page.form();
    let hidden = hidden
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let filled: Vec<(&str, &str)> = hidden.chain(fields).collect();
    for path in [
        "/sign-in",
        "/second-factor",
        "/register",
        "/oauth/authorize",
    ] {
        let page = browser.post(path, &filled).await;
        assert_ne!(page.answer.status, 200, "{path}");
        assert!(!page.location().contains("/account"), "{path}");
        assert!(browser.cookie("__Host-session").is_none(), "{path}");
    }
}
