"""What can be wrong with an answer of an authenticator, one thing at a time."""

import hashlib
import json

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from device import encode
from soft_fido2 import KeyPair

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
LABELS = {"kty": 1, "alg": 3, "crv": -1, "x": -2, "y": -3}
ELSEWHERE = hashlib.sha256(b"evil.example").digest()


def said(**members):
    return lambda answer: answer.said.update(members)


def set_to(**members):
    def spoil(answer):
        for name, value in members.items():
            setattr(answer, name, value)

    return spoil


def flags(to):
    def spoil(answer):
        answer.flags = to(answer.flags)

    return spoil


def key(**members):
    return lambda created: created.key.update({LABELS[name]: value for name, value in members.items()})


def of_object(change):
    def spoil(created):
        created.render()
        change(created)

    return spoil


def envelope(**members):
    return lambda answer: answer.envelope.update(members)


def twice(name):
    def spoil(answer):
        text = json.dumps(answer.said)
        again = json.dumps({name: answer.said[name]})[1:-1]
        answer.text = (text[:-1] + ", " + again + "}").encode()

    return spoil


def reversed_key(created):
    created.raw_key = cbor2.dumps(dict(reversed(created.key.items())))


def whole(change):
    def spoil(created):
        created.render()
        created.raw_object = change(cbor2.dumps(created.object))

    return spoil


def indefinite(data):
    # A map of three members, of a length that is told by its end (RFC 8949 §3.2.2).
    assert data[0] == 0xA3
    return b"\xbf" + data[1:] + b"\xff"


def spoil_data(change):
    def spoil(created):
        created.render()
        created.raw_data = change(created.object["authData"])

    return spoil


#: At either ceremony.
SAID = {
    "an origin elsewhere": said(origin="https://evil.example"),
    "an origin of another scheme": said(origin="https://localhost"),
    "an origin of another port": said(origin="http://localhost:1"),
    "an origin with a path": lambda answer: said(origin=answer.said["origin"] + "/")(answer),
    "an origin in capitals": lambda answer: said(origin=answer.said["origin"].upper())(answer),
    "an origin that is null": said(origin="null"),
    "a page in a stranger's frame": said(crossOrigin=True),
    "a page below a stranger's": said(crossOrigin=False, topOrigin="https://evil.example"),
    "a type that is none": said(type="webauthn"),
    "a type in capitals": lambda answer: said(type=answer.said["type"].upper())(answer),
    "another challenge": said(challenge=encode(b"c" * 32)),
    "no challenge": said(challenge=""),
    "a challenge with padding": lambda answer: said(challenge=answer.said["challenge"] + "=")(answer),
    "token binding": said(tokenBinding={"status": "present", "id": "x"}),
    "an origin twice": twice("origin"),
    "a type twice": twice("type"),
    "client data that is no JSON": set_to(text=b"{"),
    "client data that is a list": set_to(text=b"[]"),
    "client data that is empty": set_to(text=b""),
    "client data that is not UTF-8": set_to(text=b"\xff\xfe"),
    "another party": set_to(rp=ELSEWHERE),
    "nobody present": flags(lambda value: value & ~UP),
    "backed up without being eligible": flags(lambda value: value & ~BE | BS),
    "extensions that are not there": flags(lambda value: value | ED),
    "bytes after the end": set_to(tail=b"\x00"),
    "an id that is not its id": envelope(id=encode(b"other")),
    "a raw id that is not its id": envelope(rawId=encode(b"other")),
    "a type of credential that is none": envelope(type="password"),
    "no response": lambda answer: setattr(answer, "render", lambda: {**answer.envelope, "response": {}}),
    "a response that is text": lambda answer: setattr(answer, "render", lambda: "x"),
}

#: When a passkey is bound.
BOUND = {
    **SAID,
    "a sign-in's type": said(type="webauthn.get"),
    "no credential": flags(lambda value: value & ~AT),
    "an algorithm that was not offered, EdDSA": key(alg=-8),
    "an algorithm that was not offered, RS1": key(alg=-65535),
    "an algorithm that is none": key(alg=0),
    "a curve of another algorithm": key(crv=2),
    "a kind of key that is none": key(kty=4),
    "a point that is on no curve": key(x=b"\x01" * 32, y=b"\x01" * 32),
    "half a point": key(y=b""),
    "a key with more than a key": lambda created: created.key.__setitem__(-70, b"x"),
    "a key out of order": reversed_key,
    "a key that is no map": set_to(raw_key=b"\x01"),
    "a key that is not there": set_to(raw_key=b""),
    "an id without a byte": set_to(id=b""),
    "an id that is too long": set_to(id=b"i" * 1024),
    "an object that is no CBOR": whole(lambda data: b"\xff"),
    "an object that is empty": whole(lambda data: b""),
    "an object that is cut": whole(lambda data: data[:-1]),
    "an object with something after it": whole(lambda data: data + b"\x00"),
    "an object of an indefinite length": whole(indefinite),
    "an object that is a list": whole(lambda data: b"\x80"),
    "a member twice": whole(lambda data: b"\xa4" + data[1:] + b"\x63fmt\x64none"),
    "data that is cut before its flags": spoil_data(lambda data: data[:32]),
    "data that is cut in its credential": spoil_data(lambda data: data[:60]),
    "a length beyond the end": spoil_data(lambda data: data[:53] + b"\x03\xff" + data[55:]),
    "a statement that says nothing and something": of_object(lambda c: c.object.update(attStmt={"x": 1})),
    "a format that is none": of_object(lambda c: c.object.update(fmt="nonsense")),
    "a statement that does not fit": of_object(lambda c: c.object.update(fmt="packed", attStmt={"alg": -7})),
    "no statement": of_object(lambda c: c.object.pop("attStmt")),
}


#: Taking an answer apart and putting it together again spoils nothing.
SAME = {
    "members that nobody knows": said(other="x"),
    "an object": whole(lambda data: data),
    "data": spoil_data(lambda data: data),
    "a key": lambda created: setattr(created, "raw_key", cbor2.dumps(created.key, canonical=True)),
}

#: When a passkey is shown.
SHOWN = {
    **SAID,
    "a binding's type": said(type="webauthn.create"),
    "a credential where there is none": flags(lambda value: value | AT),
    "a counter that stays": set_to(counter=(1).to_bytes(4, "big")),
    "a counter that goes back": set_to(counter=(0).to_bytes(4, "big")),
    "eligible where it was not": flags(lambda value: value | BE),
    "eligible and backed up where it was not": flags(lambda value: value | BE | BS),
    "a signature of another key": lambda got: setattr(got, "signer", KeyPair.generate_ecdsa()),
    "a signature of another curve": lambda got: setattr(
        got, "signer", KeyPair.generate_ecdsa(curve=ec.SECP384R1())
    ),
    "no signature": set_to(spoil=lambda signature: b""),
    "a signature that is cut": set_to(spoil=lambda signature: signature[:-1]),
    "a signature with something after it": set_to(spoil=lambda signature: signature + b"\x00"),
    "a signature of zeros": set_to(spoil=lambda signature: bytes.fromhex("3006020100020100")),
    "a signature that is spoilt": set_to(spoil=lambda signature: signature[:-1] + bytes([signature[-1] ^ 1])),
    "a handle of nobody": set_to(handle=b"h" * 16),
    "an empty handle": set_to(handle=b""),
    "a credential that nobody bound": envelope(id=encode(b"n" * 32), rawId=encode(b"n" * 32)),
    "an id that is empty": envelope(id="", rawId=""),
}
#: What only a whole sign-in refuses.
WHOLE = {
    **SHOWN,
    "nobody verified": flags(lambda value: value & ~UV),
    "no handle": set_to(handle=None),
}
