"""Authlib and OpenSSL judge clients that authenticate by certificate, and tokens bound to it (RFC 8705)."""

import base64
import datetime
import hashlib
import ipaddress
import tempfile

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from service import Service


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Pair:
    """A certificate and its key, as files."""

    def __init__(self, directory, text, signed_by=None, addresses=()):
        self.key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.timezone.utc)
        made = (
            x509.CertificateBuilder()
            .subject_name(name(text))
            .issuer_name(signed_by.certificate.subject if signed_by else name(text))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=not addresses and not signed_by, path_length=None), True)
        )
        if addresses:
            made = made.add_extension(x509.SubjectAlternativeName(addresses), False)
        self.certificate = made.sign(signed_by.key if signed_by else self.key, hashes.SHA256())
        self.paths = (f"{directory}/{text}.pem", f"{directory}/{text}.key")
        with open(self.paths[0], "wb") as file:
            file.write(self.certificate.public_bytes(serialization.Encoding.PEM))
        with open(self.paths[1], "wb") as file:
            file.write(
                self.key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )

    def thumbprint(self):
        digest = hashlib.sha256(self.certificate.public_bytes(serialization.Encoding.DER)).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class World:
    """The service over TLS, and the authorities of its own certificate and of its clients'."""

    def __init__(self, directory):
        hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        self.authority = Pair(directory, "authority")
        own = Pair(directory, "service", self.authority, hosts)
        self.clients = Pair(directory, "clients")
        self.robot = Pair(directory, "robot", self.clients)
        self.stranger = Pair(directory, "stranger", self.clients)
        self.lonely = Pair(directory, "lonely")
        self.service = Service(
            directory,
            TLS_ENABLED="true",
            TLS_CERT_PATH=own.paths[0],
            TLS_KEY_PATH=own.paths[1],
            TLS_CLIENT_CA_PATH=self.clients.paths[0],
        )
        self.trust = self.authority.paths[0]
        self.service.http.verify = self.trust
        # What the machine trusts is not what is judged here.
        self.service.http.trust_env = False

    def session(self, client, pair):
        # The client's name is in the body, and the certificate proves it (RFC 8705 §2).
        session = OAuth2Session(client["client_id"], token_endpoint_auth_method="none")
        session.trust_env, session.verify = False, self.trust
        session.cert = pair.paths if pair else None
        return session

    def fetch(self, client, pair):
        token_endpoint = f"{self.service.issuer}/oauth/token"
        return self.session(client, pair).fetch_token(
            token_endpoint, grant_type="client_credentials", scope="read"
        )


@pytest.fixture(scope="module")
def world():
    with tempfile.TemporaryDirectory() as directory:
        made = World(directory)
        yield made
        made.service.stop()


def jwk_of(pair):
    public = pair.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = JsonWebKey.import_key(public, {"kty": "EC"}).as_dict()
    chain = base64.b64encode(pair.certificate.public_bytes(serialization.Encoding.DER)).decode()
    return {**key, "x5c": [chain]}


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_a_client_is_known_by_its_certificate(world, method):
    by_authority = method == "tls_client_auth"
    pair, other = (world.robot, world.stranger) if by_authority else (world.lonely, world.robot)
    own = {"tls_client_auth_subject_dn": "CN=robot"} if by_authority else {"jwks": {"keys": [jwk_of(pair)]}}
    client = world.service.add_client(
        name="A robot",
        client_type="service",
        scopes=["read"],
        token_endpoint_auth_method=method,
        tls_client_certificate_bound_access_tokens=True,
        access_token_format="jwt",
        **own,
    )
    token = world.fetch(client, pair)["access_token"]
    keys = requests.get(f"{world.service.issuer}/.well-known/jwks.json", verify=world.trust).json()
    claims = jwt.decode(token, JsonWebKey.import_key_set(keys))
    assert claims["cnf"] == {"x5t#S256": pair.thumbprint()}
    for wrong in (other, None):
        with pytest.raises(Exception, match="invalid_client"):
            world.fetch(client, wrong)


def test_the_metadata_offers_it(world):
    metadata = requests.get(
        f"{world.service.issuer}/.well-known/oauth-authorization-server", verify=world.trust
    ).json()
    methods = metadata["token_endpoint_auth_methods_supported"]
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(methods)
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
