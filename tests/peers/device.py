"""Somebody with soft-fido2, an authenticator in software, and what it answers: taken apart, to be spoilt, and
put together again, signed over anew with its own key."""

import base64
import hashlib
import itertools
import json

import cbor2
from soft_fido2 import Fido2Authenticator

PASSWORD = "a quiet garden in the rain"
names = itertools.count()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(token):
    return json.loads(decode(token.split(".")[1]))


class Person:
    """Somebody with an account and an authenticator of their own."""

    def __init__(self, service, key=None):
        self.service = service
        self.email = f"person{next(names)}@example.org"
        self.device = Fido2Authenticator(keyPair=key)
        body = {"email": self.email, "password": PASSWORD, "name": "Ada"}
        self.ask("/auth/register", body, expected=201)

    def ask(self, path, body=None, token=None, expected=200):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = self.service.http.post(self.service.issuer + path, json=body or {}, headers=headers)
        assert answer.status_code == expected, (path, answer.status_code, answer.text)
        return answer.json()

    def send(self, path, body, token=None):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return self.service.http.post(self.service.issuer + path, json=body, headers=headers)

    def password(self):
        return self.ask("/auth/login", {"email": self.email, "password": PASSWORD})

    def begin_binding(self, token):
        begun = self.ask("/auth/webauthn/register/begin", token=token)
        return begun["options"], begun["state"]

    def begin(self, **own):
        begun = self.ask("/auth/webauthn/login/begin", own)
        return begun["options"], begun["state"]

    def create(self, options, uv=True, be=False):
        options = {**options, "origin": self.service.issuer}
        return Created(self.device, self.device.credential_create(options, "none", uv=uv, be=be))

    def get(self, options, uv=True, be=False):
        options = {**options, "origin": self.service.issuer}
        return Got(self.device, self.device.credential_request(options, uv=uv, be=be))

    def bind(self, uv=True, be=False):
        token = self.password()["access_token"]
        options, state = self.begin_binding(token)
        response = self.create(options, uv, be).render()
        body = {"name": "Key", "state": state, "response": response}
        bound = self.ask("/auth/webauthn/register/finish", body, token, 201)
        return bound["credential"]

    def sign_in(self, uv=True, be=False):
        options, state = self.begin()
        return self.finish(state, self.get(options, uv, be))

    def finish(self, state, got, **own):
        body = {"state": state, "response": got.render(), **own}
        return self.send("/auth/webauthn/login/finish", body)


class Answer:
    """What the authenticator answered, taken apart, to be spoilt and put together again."""

    def __init__(self, device, answer):
        self.device, self.envelope = device, answer
        # A browser calls it so (§5.1, toJSON).
        self.envelope["clientExtensionResults"] = answer.pop("getClientExtensionResults")
        self.said = json.loads(decode(answer["response"]["clientDataJSON"]))
        self.text = None

    def client_data(self):
        return self.text if self.text is not None else json.dumps(self.said).encode()

    def put(self, **own):
        response = {name: encode(value) for name, value in own.items() if value is not None}
        return {**self.envelope, "response": response}


class Created(Answer):
    """What it answered when a passkey was made."""

    def __init__(self, device, answer):
        super().__init__(device, answer)
        self.object = cbor2.loads(decode(answer["response"]["attestationObject"]))
        data = self.object["authData"]
        self.rp, self.flags, self.counter = data[:32], data[32], data[33:37]
        self.aaguid, length = data[37:53], int.from_bytes(data[53:55], "big")
        self.id, self.key = data[55 : 55 + length], cbor2.loads(data[55 + length :])
        self.raw_key, self.raw_data, self.raw_object, self.tail = None, None, None, b""

    def render(self):
        key = self.raw_key if self.raw_key is not None else cbor2.dumps(self.key, canonical=True)
        named = self.aaguid + len(self.id).to_bytes(2, "big") + self.id + key
        data = self.rp + bytes([self.flags]) + self.counter + named + self.tail
        self.object["authData"] = data if self.raw_data is None else self.raw_data
        whole = cbor2.dumps(self.object) if self.raw_object is None else self.raw_object
        return self.put(clientDataJSON=self.client_data(), attestationObject=whole)


class Got(Answer):
    """What it answered when a passkey was shown."""

    def __init__(self, device, answer):
        super().__init__(device, answer)
        data = decode(answer["response"]["authenticatorData"])
        self.rp, self.flags, self.counter, self.tail = data[:32], data[32], data[33:37], b""
        self.handle, self.signer = decode(answer["response"]["userHandle"]), None
        self.spoil = lambda signature: signature

    def render(self):
        data, said = self.rp + bytes([self.flags]) + self.counter + self.tail, self.client_data()
        signer = self.signer or self.device.kp
        signature = self.device.assertion_signature(data, hashlib.sha256(said).digest(), signer)
        return self.put(
            clientDataJSON=said,
            authenticatorData=data,
            signature=self.spoil(signature),
            userHandle=self.handle,
        )
