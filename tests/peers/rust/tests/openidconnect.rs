//! `openidconnect` judges the provider: what it discovers, gets, verifies, asks about and gives back.

use std::error::Error;
use std::io;
use std::thread;

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreDeviceAuthorizationResponse, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRevocableToken, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DeviceAuthorizationUrl, EndpointMaybeSet, EndpointSet, HttpRequest, HttpResponse,
    IntrospectionUrl, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, RefreshToken, RevocationUrl,
    Scope, TokenIntrospectionResponse, TokenResponse,
};
use peers::person::Person;
use peers::service::Service;
use reqwest::Url;
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

const CALLBACK: &str = "https://app.example/callback";
const BYE: &str = "https://app.example/bye";
const SCOPE: [&str; 3] = ["profile", "email", "offline_access"];

type Failure = Box<dyn Error>;
type Judge = CoreClient<
    EndpointSet,
    EndpointSet,
    EndpointSet,
    EndpointSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The judge's own way of asking: it goes where it is told, and is not sent on.
fn http(request: HttpRequest) -> Result<HttpResponse, io::Error> {
    let client = Client::builder().redirect(Policy::none()).build();
    let client = client.map_err(io::Error::other)?;
    // The judge revokes over https only; this service speaks clear text on the loopback.
    let url = request.uri().to_string().replacen("https:", "http:", 1);
    let (parts, body) = request.into_parts();
    let asked = client
        .request(parts.method, url)
        .headers(parts.headers)
        .body(body);
    let answer = asked.send().map_err(io::Error::other)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = HttpResponse::new(answer.bytes().map_err(io::Error::other)?.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn application(own: &Value) -> Value {
    let mut registration = json!({
        "name": "A web application", "client_type": "web", "redirect_uris": [CALLBACK],
        "scopes": ["openid", "profile", "email", "offline_access"], "may_introspect": true,
        "post_logout_redirect_uris": [BYE],
    });
    let members = registration.as_object_mut().expect("an object");
    members.extend(own.as_object().expect("an object").clone());
    registration
}

/// Registers a client, and makes the judge be it.
fn judge(service: &Service, registration: &Value) -> Result<Judge, Failure> {
    let (id, secret) = service.add_client(registration);
    let metadata = CoreProviderMetadata::discover(&IssuerUrl::new(service.issuer.clone())?, &http)?;
    let at = |path: &str| format!("{}{path}", service.issuer);
    let revocation = at("/oauth/revoke").replace("http:", "https:");
    let secret = secret.map(ClientSecret::new);
    let client = CoreClient::from_provider_metadata(metadata, ClientId::new(id), secret)
        .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned())?)
        .set_device_authorization_url(DeviceAuthorizationUrl::new(at(
            "/oauth/device_authorization",
        ))?)
        .set_introspection_url(IntrospectionUrl::new(at("/oauth/introspect"))?)
        .set_revocation_url(RevocationUrl::new(revocation)?);
    Ok(client)
}

/// Signs in, and gives the tokens with the nonce that the ID token must repeat.
fn sign_in(client: &Judge, person: &mut Person) -> Result<(CoreTokenResponse, Nonce), Failure> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
    let scopes = SCOPE.map(|scope| Scope::new(scope.to_owned()));
    let request = request.add_scopes(scopes).set_pkce_challenge(challenge);
    let (address, state, nonce) = request.url();
    let sent = person.authorize(address, CALLBACK);
    let said = |name: &str| {
        sent.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    };
    assert_eq!(said("state").as_deref(), Some(state.secret().as_str()));
    let code = said("code").ok_or("no code")?.into_owned();
    let request = client.exchange_code(AuthorizationCode::new(code))?;
    let tokens = request.set_pkce_verifier(verifier).request(&http)?;
    Ok((tokens, nonce))
}

/// Verifies the ID token with the published keys, and gives whom it names.
fn verify(client: &Judge, tokens: &CoreTokenResponse, nonce: &Nonce) -> Result<String, Failure> {
    let token = tokens.id_token().ok_or("no ID token")?;
    // Which algorithm was registered is this caller's business, which says so below.
    let verifier = client.id_token_verifier().set_allowed_algs([
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::EdDsa,
    ]);
    let claims = token.claims(&verifier, nonce)?;
    assert!(
        token
            .claims(&verifier, &Nonce::new("another".to_owned()))
            .is_err()
    );
    let expected = claims.access_token_hash().ok_or("no at_hash")?;
    let (algorithm, key) = (token.signing_alg()?, token.signing_key(&verifier)?);
    let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)?;
    assert_eq!(*expected, actual);
    Ok(claims.subject().to_string())
}

#[test]
fn a_code_becomes_tokens_that_are_refreshed_asked_about_and_revoked() -> Result<(), Failure> {
    let service = Service::start();
    for (name, method) in [
        ("basic", AuthType::BasicAuth),
        ("post", AuthType::RequestBody),
    ] {
        let registered = json!({ "token_endpoint_auth_method": format!("client_secret_{name}") });
        let client = judge(&service, &application(&registered))?.set_auth_type(method);
        let mut person = Person::register(&service, name);
        let (tokens, nonce) = sign_in(&client, &mut person)?;
        assert_eq!(verify(&client, &tokens, &nonce)?, person.id);

        let asked = client.user_info(tokens.access_token().clone(), None)?;
        let claims: CoreUserInfoClaims = asked.request(&http)?;
        assert_eq!(
            claims.email().map(|email| email.as_str()),
            Some(&*person.email)
        );

        let old = tokens.refresh_token().ok_or("no refresh token")?;
        let fresh = client.exchange_refresh_token(old)?.request(&http)?;
        let new = fresh.refresh_token().ok_or("no refresh token")?;
        assert_ne!(new.secret(), old.secret());

        let worth = client.introspect(fresh.access_token()).request(&http)?;
        assert!(worth.active());
        assert_eq!(worth.sub(), Some(&*person.id));

        give_back(&client, new)?;
    }
    Ok(())
}

fn give_back(client: &Judge, token: &RefreshToken) -> Result<(), Failure> {
    let revocable = CoreRevocableToken::from(token.clone());
    client.revoke_token(revocable)?.request(&http)?;
    let again = client.exchange_refresh_token(token)?.request(&http);
    let refusal = again.expect_err("it is worth nothing").to_string();
    assert!(refusal.contains("invalid_grant"), "{refusal}");
    Ok(())
}

#[test]
fn signing_out_leads_back_to_the_application_and_ends_its_tokens() -> Result<(), Failure> {
    let service = Service::start();
    let client = judge(&service, &application(&json!({})))?;
    let mut person = Person::register(&service, "ada");
    let (tokens, _) = sign_in(&client, &mut person)?;
    let issuer = IssuerUrl::new(service.issuer.clone())?;
    let metadata = ProviderMetadataWithLogout::discover(&issuer, &http)?;
    let end = &metadata.additional_metadata().end_session_endpoint;
    let address = LogoutRequest::from(end.clone().ok_or("no end_session_endpoint")?)
        .set_id_token_hint(tokens.id_token().ok_or("no ID token")?)
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(BYE.to_owned())?)
        .set_state(CsrfToken::new("x".to_owned()))
        .http_get_url();
    let left = person.sign_out(address, BYE);
    assert_eq!(left.query(), Some("state=x"));
    let worth = client.introspect(tokens.access_token()).request(&http)?;
    assert!(!worth.active());
    let old = tokens.refresh_token().ok_or("no refresh token")?;
    let again = client.exchange_refresh_token(old)?.request(&http);
    let refusal = again.expect_err("it is worth nothing").to_string();
    assert!(refusal.contains("invalid_grant"), "{refusal}");
    Ok(())
}

#[test]
fn an_id_token_is_verified_in_every_algorithm() -> Result<(), Failure> {
    let service = Service::start();
    let mut person = Person::register(&service, "ada");
    for algorithm in ["ES256", "RS256", "EdDSA"] {
        let registered =
            json!({ "id_token_signed_response_alg": algorithm, "is_first_party": true });
        let client = judge(&service, &application(&registered))?;
        let (tokens, nonce) = sign_in(&client, &mut person)?;
        assert_eq!(verify(&client, &tokens, &nonce)?, person.id, "{algorithm}");
        let signed = tokens.id_token().ok_or("no ID token")?.signing_alg()?;
        assert_eq!(serde_json::to_value(signed)?, algorithm);
    }
    Ok(())
}

#[test]
fn a_public_client_needs_no_secret_and_a_device_no_browser() -> Result<(), Failure> {
    let service = Service::start();
    let mut person = Person::register(&service, "ada");
    let public = json!({ "client_type": "native", "may_introspect": false });
    let client = judge(&service, &application(&public))?;
    let (tokens, nonce) = sign_in(&client, &mut person)?;
    assert_eq!(verify(&client, &tokens, &nonce)?, person.id);

    let device = json!({
        "client_type": "native", "may_introspect": false, "redirect_uris": [],
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
    });
    let client = judge(&service, &application(&device))?;
    let waiting: CoreDeviceAuthorizationResponse = client
        .exchange_device_code()
        .add_scope(Scope::new("offline_access".to_owned()))
        .request(&http)?;
    let address = Url::parse(waiting.verification_uri())?;
    let mut code = Some(waiting.user_code().secret().clone());
    // Its first poll is too early; while it waits, the person decides.
    let person = std::sync::Mutex::new((&mut person, &mut code));
    let wait = |span| {
        let mut held = person.lock().expect("not poisoned");
        if let Some(code) = held.1.take() {
            held.0.allow_device(address.clone(), &code);
        }
        thread::sleep(span);
    };
    let polling = client.exchange_device_access_token(&waiting)?;
    let tokens = polling.request(&http, wait, None)?;
    assert!(tokens.refresh_token().is_some());
    Ok(())
}

#[test]
fn a_service_gets_a_token_for_itself() -> Result<(), Failure> {
    let service = Service::start();
    let robot = json!({ "name": "A service", "client_type": "service", "scopes": ["read"] });
    let client = judge(&service, &robot)?;
    let asked = client
        .exchange_client_credentials()?
        .add_scope(Scope::new("read".to_owned()));
    let tokens = asked.request(&http)?;
    let scopes: Vec<&str> = tokens
        .scopes()
        .into_iter()
        .flatten()
        .map(|scope| scope.as_str())
        .collect();
    assert_eq!(scopes, ["read"]);
    assert!(tokens.refresh_token().is_none());
    Ok(())
}
