"""grpcio judges the gRPC door, with a client that is generated from api/auth.proto.

Reflection is asked as grpcurl asks it: which services there are, and what their messages look like.
"""

import sys
import tempfile
import time
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from grpc_tools import protoc

API = Path(__file__).resolve().parents[2] / "api"
PASSWORD = "a quiet garden in the rain"


@pytest.fixture(scope="module")
def generated():
    """The messages and the stub, as protoc makes them of the contract."""
    with tempfile.TemporaryDirectory() as folder:
        asked = ["protoc", f"-I{API}", f"--python_out={folder}", f"--grpc_python_out={folder}", "auth.proto"]
        assert protoc.main(asked) == 0
        sys.path.insert(0, folder)
        import auth_pb2
        import auth_pb2_grpc

        yield auth_pb2, auth_pb2_grpc
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def channel(service):
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc}") as channel:
        grpc.channel_ready_future(channel).result(timeout=20)
        yield channel


@pytest.fixture(scope="module")
def stub(channel, generated):
    return generated[1].AuthServiceStub(channel)


@pytest.fixture(scope="module")
def person(service):
    body = {"email": "grpc@example.org", "password": PASSWORD, "name": "Ada"}
    made = service.http.post(f"{service.issuer}/auth/register", json=body)
    assert made.status_code == 201, made.text
    return {**body, "id": made.json()["id"]}


@pytest.fixture
def token(service, person):
    body = {"email": person["email"], "password": PASSWORD}
    answer = service.http.post(f"{service.issuer}/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def key(service):
    return [("x-api-key", service.key)]


def refused(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def reason(error):
    for detail in rpc_status.from_call(error).details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    return None


def test_a_token_is_validated_and_introspected_until_it_ends(service, stub, generated, person, token):
    messages = generated[0]
    told = stub.ValidateToken(messages.ValidateTokenRequest(token=token), metadata=key(service))
    assert told.valid and told.claims.sub == person["id"]
    asked = messages.IntrospectTokenRequest(token=token)
    told = stub.IntrospectToken(asked, metadata=key(service))
    assert told.active and told.claims.client_type == "user"
    headers = {"authorization": f"Bearer {token}"}
    ended = service.http.post(f"{service.issuer}/auth/logout", json={}, headers=headers)
    assert ended.status_code < 300, ended.text
    told = stub.IntrospectToken(asked, metadata=key(service))
    assert not told.active and not told.HasField("claims")


def test_an_account_is_shown_and_a_stranger_is_not(service, stub, generated, person, token):
    ask = generated[0].GetUserRequest
    own = [("authorization", f"Bearer {token}")]
    assert stub.GetUser(ask(), metadata=own).user.email == person["email"]
    shown = stub.GetUser(ask(user_id=person["id"]), metadata=key(service)).user
    assert (shown.name, shown.status) == ("Ada", "active")
    nobody = "019ac0de-0000-7000-8000-000000000002"
    error = refused(lambda: stub.GetUser(ask(user_id=nobody), metadata=key(service)))
    assert error.code() == grpc.StatusCode.NOT_FOUND
    error = refused(lambda: stub.GetUser(ask(user_id=nobody), metadata=own))
    assert error.code() == grpc.StatusCode.PERMISSION_DENIED


def test_a_permission_is_explained(service, stub, generated):
    asked = generated[0].CheckPermissionRequest(subject="admin", object="invoices/7", action="read")
    told = stub.CheckPermission(asked, metadata=key(service))
    assert told.allowed and told.why.explanation == "the role admin is allowed everything"
    asked = generated[0].CheckPermissionRequest(subject="user", object="invoices/7", action="read")
    told = stub.CheckPermission(asked, metadata=key(service))
    assert not told.allowed and not told.HasField("why")


def test_who_shows_nothing_is_unauthenticated(stub, generated):
    error = refused(lambda: stub.GetUser(generated[0].GetUserRequest()))
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    assert reason(error) == "UNAUTHORIZED"
    assert "x-request-id" in dict(error.initial_metadata() or error.trailing_metadata())


def test_reflection_describes_the_contract(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    services = set(database.get_services())
    assert {"auth.v1.AuthService", "grpc.health.v1.Health"} <= services
    pool = descriptor_pool.DescriptorPool(database)
    found = pool.FindServiceByName("auth.v1.AuthService")
    methods = {method.name for method in found.methods}
    assert methods == {"ValidateToken", "IntrospectToken", "GetUser", "CheckPermission"}
    claims = pool.FindMessageTypeByName("auth.v1.Claims")
    assert {"sub", "cnf", "actors"} <= set(claims.fields_by_name)


def test_health_asks_for_nothing(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for name in ("", "auth.v1.AuthService"):
        asked = health_pb2.HealthCheckRequest(service=name)
        # A busy machine may keep the service from being ready for a moment.
        for _ in range(40):
            told = stub.Check(asked, wait_for_ready=True, timeout=20)
            if told.status == health_pb2.HealthCheckResponse.SERVING:
                break
            time.sleep(0.5)
        assert told.status == health_pb2.HealthCheckResponse.SERVING
