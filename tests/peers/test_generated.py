"""openapi-python-client generates a client from each OpenAPI document, and the service is called with it."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

API = Path(__file__).resolve().parents[2] / "api"
PASSWORD = "a quiet garden in the rain"

# What it leaves out, and why that is not ours to mend: it knows no media type of OpenMetrics, nor of JSON lines.
LEFT_OUT = {
    "public": [],
    "admin": ["GET /metrics", "GET /admin/metrics/prometheus", "GET /admin/audit/export", "GET /console/audit/export"],
}


@pytest.fixture(scope="module", params=sorted(LEFT_OUT))
def made(request, tmp_path_factory):
    """The name of a document, the package that is made of it, and what the tool said of it."""
    folder = tmp_path_factory.mktemp(request.param)
    # What it makes is not for people to read.
    (folder / "config.yml").write_text("post_hooks: []\n")
    package = f"{request.param}_client"
    asked = [
        Path(sys.executable).with_name("openapi-python-client"),
        "generate",
        *("--path", API / f"openapi-{request.param}.json"),
        *("--config", folder / "config.yml"),
        *("--meta", "none"),
        *("--output-path", folder / package),
    ]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stdout + told.stderr
    sys.path.insert(0, str(folder))
    yield request.param, package, told.stdout + told.stderr
    sys.path.remove(str(folder))


def test_nothing_is_left_out(made):
    name, _, told = made
    left_out = [line.split(" within ")[0] for line in told.splitlines() if line.startswith("WARNING parsing ")]
    assert [line.removeprefix("WARNING parsing ") for line in left_out] == LEFT_OUT[name], told


def test_its_client_is_understood(made, service):
    name, package, _ = made
    {"public": ask_public, "admin": ask_admin}[name](service, Parts(package))


class Parts:
    """The modules of a package that was made."""

    def __init__(self, package):
        self.package = package
        self.client = importlib.import_module(f"{package}.client")
        self.models = importlib.import_module(f"{package}.models")

    def call(self, path, status, **asked):
        answer = importlib.import_module(f"{self.package}.api.{path}").sync_detailed(**asked)
        assert answer.status_code == status, answer.content
        return answer.parsed


def ask_public(service, parts):
    models = parts.models
    client = parts.client.Client(base_url=service.issuer)
    who = {"email": "generated@example.org", "password": PASSWORD}
    parts.call("accounts.register", 201, client=client, body=models.RegisterBody(**who, name="Ada"))
    tokens = parts.call("sign_in.login", 200, client=client, body=models.LoginBody(**who))
    own = parts.client.AuthenticatedClient(base_url=service.issuer, token=tokens.access_token)
    assert parts.call("accounts.me", 200, client=own).email == who["email"]
    wrong = models.LoginBody(**{**who, "password": "another quiet garden"})
    assert parts.call("sign_in.login", 401, client=client, body=wrong).code.value == "UNAUTHORIZED"


def ask_admin(service, parts):
    models = parts.models
    client = parts.client.Client(base_url=service.door, headers={"x-api-key": service.key})
    new = models.NewUser(email="made@example.org", name="Bob")
    made = parts.call("users.create_user", 201, client=client, body=new)
    assert parts.call("users.get_user", 200, client=client, id=made.id).email == "made@example.org"
    listed = parts.call("users.list_users", 200, client=client, search="made@")
    assert [user.id for user in listed.users] == [made.id]
    judged = parts.call("operations.introspect_token", 200, client=client, body=models.TokenToJudge("x"))
    assert (judged.active, judged.reason.value) == (False, "unknown")
    stranger = parts.client.Client(base_url=service.door)
    assert parts.call("users.list_users", 401, client=stranger).code.value == "UNAUTHORIZED"
