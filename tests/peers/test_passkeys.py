"""soft-fido2, an authenticator in software that nobody here wrote, judges passkeys (WebAuthn Level 3).

It binds passkeys and shows them, as second factor and as the whole sign-in. Then it is led astray, one
thing at a time: what a good answer would be is signed over again with its own key, so that nothing but
the thing itself is wrong with it. Each is refused, gives no session, and leaves the next good answer
good.
"""

import tempfile

import cbor2
import pytest
from device import Created, Person, claims, decode
from service import Service
from soft_fido2 import KeyPair
from spoilt import BE, BOUND, BS, SAME, SHOWN, WHOLE

AAL2 = "urn:nist:sp:800-63b-4:aal2"


@pytest.fixture(scope="module")
def service():
    # What is judged is the answer, not how many of them there were.
    patient = {
        "RATE_LIMIT_MAX_FAILED_ATTEMPTS": "100000",
        "RATE_LIMIT_PROGRESSIVE_DELAY_AFTER": "100000",
    }
    with tempfile.TemporaryDirectory() as directory:
        running = Service(directory, **patient)
        yield running
        running.stop()


def judge_refused(answer, case):
    # Not for having asked too often, and not for a fault: for what it says.
    assert answer.status_code in (400, 401, 403, 409, 422), (case, answer.status_code, answer.text)
    for word in ("access_token", "refresh_token", "mfa_token", "set-cookie"):
        assert word not in answer.text and word not in answer.headers, (case, answer.text)


# === what is right ===


@pytest.mark.parametrize("be", [False, True])
def test_a_passkey_is_the_whole_sign_in(service, be):
    ada = Person(service)
    ada.bind(be=be)
    for _ in range(3):
        answer = ada.sign_in(be=be)
        assert answer.status_code == 200, answer.text
        told = claims(answer.json()["access_token"])
        assert told["acr"] == AAL2, told


def test_a_passkey_that_is_copied_for_its_owner_comes_and_goes(service):
    ada = Person(service)
    token = ada.password()["access_token"]
    options, state = ada.begin_binding(token)
    created = ada.create(options)
    created.flags |= BE | BS
    body = {"name": "Key", "state": state, "response": created.render()}
    ada.ask("/auth/webauthn/register/finish", body, token, 201)
    for backed_up in (BS, 0, BS):
        options, state = ada.begin()
        got = ada.get(options)
        got.flags |= BE | backed_up
        assert ada.finish(state, got).status_code == 200, backed_up


@pytest.mark.parametrize("uv", [False, True])
def test_a_passkey_is_the_second_factor(service, uv):
    ada = Person(service)
    ada.bind(uv=uv)
    begun = ada.password()
    assert "access_token" not in begun
    token = begun["mfa_token"]
    options, state = ada.begin(mfa_token=token)
    answer = ada.finish(state, ada.get(options, uv), mfa_token=token)
    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["acr"] == AAL2


@pytest.mark.parametrize("number, make", [(-7, KeyPair.generate_ecdsa), (-257, KeyPair.generate_rsa)])
def test_keys_of_algorithms_that_are_offered(service, number, make):
    ada = Person(service, make())
    token = ada.password()["access_token"]
    options, state = ada.begin_binding(token)
    assert {"alg": number, "type": "public-key"} in options["pubKeyCredParams"]
    created = ada.create(options)
    assert created.key[3] == number
    body = {"name": "Key", "state": state, "response": created.render()}
    ada.ask("/auth/webauthn/register/finish", body, token, 201)
    assert ada.sign_in().status_code == 200


# === what is wrong, when a passkey is bound ===


@pytest.mark.parametrize("case", SAME)
def test_a_passkey_is_bound_by(service, case):
    ada = Person(service)
    token = ada.password()["access_token"]
    options, state = ada.begin_binding(token)
    created = ada.create(options)
    SAME[case](created)
    body = {"name": "Key", "state": state, "response": created.render()}
    ada.ask("/auth/webauthn/register/finish", body, token, 201)


@pytest.mark.parametrize("case", BOUND)
def test_a_passkey_is_not_bound_by(service, case):
    ada = Person(service)
    token = ada.password()["access_token"]
    options, state = ada.begin_binding(token)
    created = ada.create(options)
    BOUND[case](created)
    body = {"name": "Key", "state": state, "response": created.render()}
    judge_refused(ada.send("/auth/webauthn/register/finish", body, token), case)
    # Nothing was bound: the password alone still signs in, and the same key may be bound rightly.
    assert "access_token" in ada.password()
    ada.bind()


def test_a_signature_of_another_is_no_attestation(service):
    ada = Person(service)
    token = ada.password()["access_token"]
    options, state = ada.begin_binding(token)
    whole = {**options, "origin": service.issuer}
    answer = ada.device.credential_create(whole, "packed-self")
    made = cbor2.loads(decode(answer["response"]["attestationObject"]))
    made["attStmt"]["sig"] = bytes(reversed(made["attStmt"]["sig"]))
    created = Created(ada.device, answer)
    created.raw_object = cbor2.dumps(made)
    body = {"name": "Key", "state": state, "response": created.render()}
    judge_refused(ada.send("/auth/webauthn/register/finish", body, token), "packed")
    assert "access_token" in ada.password()


def test_a_challenge_binds_once_and_for_whom_it_was_made(service):
    ada, eve = Person(service), Person(service)
    token, hers = ada.password()["access_token"], eve.password()["access_token"]
    options, state = ada.begin_binding(token)
    body = {"name": "Key", "state": state, "response": ada.create(options).render()}
    path = "/auth/webauthn/register/finish"
    judge_refused(eve.send(path, body, hers), "another person's challenge")
    judge_refused(eve.send(path, body), "nobody's session")
    ada.ask(path, body, token, 201)
    judge_refused(ada.send(path, body, token), "a sign-in with less than what is bound")
    fresh = ada.sign_in().json()["access_token"]
    judge_refused(ada.send(path, body, fresh), "a challenge again")
    # What somebody has bound, nobody else binds.
    eve.device = ada.device
    options, state = eve.begin_binding(hers)
    body = {"name": "Key", "state": state, "response": eve.create(options).render()}
    judge_refused(eve.send(path, body, hers), "another's credential")
    assert "access_token" in eve.password()


# === what is wrong, when a passkey is shown ===


def prepare(service):
    ada = Person(service)
    ada.bind()
    # Its counter is at one, and has been seen.
    assert ada.sign_in().status_code == 200
    return ada


@pytest.mark.parametrize("case", WHOLE)
def test_nobody_is_signed_in_by(service, case):
    ada = prepare(service)
    options, state = ada.begin()
    got = ada.get(options)
    WHOLE[case](got)
    judge_refused(ada.finish(state, got), case)
    assert ada.sign_in().status_code == 200


@pytest.mark.parametrize("case", SHOWN)
def test_no_second_factor_is(service, case):
    ada = prepare(service)
    token = ada.password()["mfa_token"]
    options, state = ada.begin(mfa_token=token)
    got = ada.get(options)
    SHOWN[case](got)
    judge_refused(ada.finish(state, got, mfa_token=token), case)
    options, state = ada.begin(mfa_token=token)
    assert ada.finish(state, ada.get(options), mfa_token=token).status_code == 200


def test_a_sign_in_counts_once_and_for_its_challenge(service):
    ada = prepare(service)
    options, state = ada.begin()
    got = ada.get(options)
    assert ada.finish(state, got).status_code == 200
    judge_refused(ada.finish(state, got), "an answer again")
    judge_refused(ada.finish(state, ada.get(options)), "a challenge again")
    options, _ = ada.begin()
    _, other = ada.begin()
    judge_refused(ada.finish(other, ada.get(options)), "an answer to another challenge")
    for spoilt in ("", "x", other[:-2], other + "A"):
        options, _ = ada.begin()
        judge_refused(ada.finish(spoilt, ada.get(options)), "a state that is none")
    token = ada.sign_in().json()["access_token"]
    options, state = ada.begin_binding(token)
    options["rpId"] = "localhost"
    judge_refused(ada.finish(state, ada.get(options)), "a binding's challenge")


def test_one_persons_passkey_is_not_anothers(service):
    ada, eve = prepare(service), prepare(service)
    options, state = ada.begin()
    got = eve.get(options)
    got.handle = ada.device.userHandle
    judge_refused(eve.finish(state, got), "another's handle")
    options, state = ada.begin()
    got = ada.get(options)
    got.handle = eve.device.userHandle
    judge_refused(ada.finish(state, got), "another's handle, the other way around")
    options, state = ada.begin()
    got = eve.get(options)
    got.envelope["id"] = got.envelope["rawId"] = ada.device.get_credential_id()
    judge_refused(eve.finish(state, got), "another's credential, signed by one's own")
    token = ada.password()["mfa_token"]
    options, state = ada.begin(mfa_token=token)
    judge_refused(ada.finish(state, eve.get(options), mfa_token=token), "another's second factor")
    options, state = ada.begin()
    judge_refused(ada.finish(state, ada.get(options), mfa_token=token), "nobody's challenge for somebody")
    assert ada.sign_in().status_code == eve.sign_in().status_code == 200


def test_a_key_that_verifies_nobody_is_no_whole_sign_in(service):
    ada = Person(service)
    ada.bind(uv=False)
    options, state = ada.begin()
    judge_refused(ada.finish(state, ada.get(options, uv=False)), "nobody verified")
