"""Authlib judges the provider."""

import html
import os
import re
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.integrations.base_client import OAuthError
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url

PASSWORD = "a quiet garden in the rain"
CALLBACK = "https://app.example/callback"
BYE = "https://app.example/bye"
SCOPE = "openid profile email offline_access"

# Plain http is the loopback's.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"


@pytest.fixture(scope="module")
def metadata(service):
    document = requests.get(get_well_known_url(service.issuer, external=True)).json()
    OpenIDProviderMetadata(document).validate()
    assert document["issuer"] == service.issuer
    return document


@pytest.fixture(scope="module")
def web(service):
    return service.add_client(
        name="A web application",
        client_type="web",
        redirect_uris=[CALLBACK],
        post_logout_redirect_uris=[BYE],
        scopes=SCOPE.split(),
        may_introspect=True,
    )


def walk(address, fillings, cookies):
    """Follows redirects and fills in forms as a browser without JavaScript does, until it is sent to the application."""
    request = ("GET", address, None)
    for _ in range(20):
        method, address, fields = request
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        answer = requests.request(
            method, address, data=fields, headers={"cookie": header} if header else {}, allow_redirects=False
        )
        cookies.update(answer.cookies.get_dict())
        if "location" in answer.headers:
            target = urljoin(address, answer.headers["location"])
            if target.startswith((CALLBACK, BYE)):
                return target
            request = ("GET", target, None)
            continue
        form = re.search(r"<form[^>]*>.*?</form>", answer.text, re.S).group(0)
        action = urljoin(address, html.unescape(re.search(r'action="([^"]*)"', form).group(1)))
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
        filled = {name: html.unescape(value) for name, value in hidden} | fillings[urlsplit(action).path]
        request = ("POST", action, filled)
    raise AssertionError("it goes round in circles")


def sign_in(service, session, metadata, cookies):
    email = f"{generate_token(8).lower()}@example.org"
    answer = requests.post(
        f"{service.issuer}/auth/register", json={"email": email, "password": PASSWORD, "name": "Ada"}
    )
    verifier, nonce = generate_token(48), generate_token()
    address, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    fillings = {"/sign-in": {"email": email, "password": PASSWORD}, "/consent": {"decision": "allow"}}
    sent = walk(address, fillings, cookies)
    tokens = session.fetch_token(
        metadata["token_endpoint"], authorization_response=sent, state=state, code_verifier=verifier
    )
    return answer.json()["id"], email, nonce, tokens


def session_of(web):
    return OAuth2Session(
        web["client_id"],
        web["client_secret"],
        scope=SCOPE,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
    )


def test_a_code_becomes_tokens_that_work_until_they_are_revoked(service, metadata, web):
    session = session_of(web)
    person, email, nonce, tokens = sign_in(service, session, metadata, {})
    keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"]).json())
    claims = jwt.decode(
        tokens["id_token"],
        keys,
        claims_options={
            "iss": {"essential": True, "value": metadata["issuer"]},
            "aud": {"essential": True, "value": web["client_id"]},
            "nonce": {"essential": True, "value": nonce},
        },
    )
    claims.validate()
    assert claims["sub"] == person
    assert session.get(metadata["userinfo_endpoint"]).json()["email"] == email

    old = tokens["refresh_token"]
    fresh = session.refresh_token(metadata["token_endpoint"])
    assert fresh["refresh_token"] != old
    asked = session.introspect_token(metadata["introspection_endpoint"], token=fresh["access_token"])
    assert asked.json()["active"] is True
    session.revoke_token(metadata["revocation_endpoint"], token=fresh["refresh_token"])
    asked = session.introspect_token(metadata["introspection_endpoint"], token=fresh["access_token"])
    assert asked.json() == {"active": False}


def test_signing_out_leads_back_to_the_application_and_ends_its_tokens(service, metadata, web):
    session, cookies = session_of(web), {}
    _, _, _, tokens = sign_in(service, session, metadata, cookies)
    leaving = urlencode(
        {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE, "state": "x"}
    )
    address = f"{metadata['end_session_endpoint']}?{leaving}"
    left = walk(address, {"/oauth/logout": {"decision": "logout"}}, cookies)
    assert parse_qs(urlsplit(left).query)["state"] == ["x"]
    asked = session.introspect_token(metadata["introspection_endpoint"], token=tokens["access_token"])
    assert asked.json() == {"active": False}
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token(metadata["token_endpoint"], refresh_token=tokens["refresh_token"])


def test_a_service_gets_a_token_for_itself(service, metadata):
    robot = service.add_client(name="A service", client_type="service", scopes=["read"])
    session = OAuth2Session(robot["client_id"], robot["client_secret"], scope="read")
    tokens = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert tokens["scope"] == "read"
