"""pyotp, an authenticator app that nobody here wrote, judges codes by time (RFC 6238).

It is set up from the text that the QR code holds. The clock is the machine's, so that a test waits for
the beginning of a step when the present one is about to end.
"""

import itertools
import tempfile
import time

import jwt
import pyotp
import pytest
from service import Service

AAL2 = "urn:nist:sp:800-63b-4:aal2"
PASSWORD = "a quiet garden in the rain"
names = itertools.count()


@pytest.fixture(scope="module", params=[(6, 30), (8, 15)], ids=["6 digits", "8 digits"])
def service(request):
    digits, period = request.param
    own = {
        "MFA_DIGITS": str(digits),
        "MFA_PERIOD": str(period),
        # What is judged is the code, not how many of them there were.
        "RATE_LIMIT_MAX_FAILED_ATTEMPTS": "100000",
        "RATE_LIMIT_PROGRESSIVE_DELAY_AFTER": "100000",
    }
    with tempfile.TemporaryDirectory() as directory:
        running = Service(directory, **own)
        running.shape = request.param
        yield running
        running.stop()


class Owner:
    """Somebody with an account, and an app that is set up but not confirmed."""

    def __init__(self, service):
        self.service = service
        self.email = f"person{next(names)}@example.org"
        body = {"email": self.email, "password": PASSWORD, "name": "Ada"}
        assert self.send("/auth/register", body).status_code == 201
        self.token = self.login()["access_token"]
        self.setup = self.send("/auth/mfa/setup", {}, self.token).json()
        self.app = pyotp.parse_uri(self.setup["uri"])

    def send(self, path, body, token=None):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return self.service.http.post(self.service.issuer + path, json=body, headers=headers)

    def login(self):
        answer = self.send("/auth/login", {"email": self.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def code(self, steps):
        return self.app.at(self.now, counter_offset=steps)

    def settle(self):
        # What follows takes less than seven seconds, so that all of it is in one step.
        if self.left() < 7:
            self.wait()
        self.now = time.time()

    def left(self):
        return self.app.interval - time.time() % self.app.interval

    def wait(self):
        """Waits for the next step."""
        time.sleep(self.left() + 0.1)

    def confirm(self, code):
        return self.send("/auth/mfa/confirm", {"code": code}, self.token)

    def show(self, code):
        """Begins a sign-in, and shows a code."""
        body = {"mfa_token": self.login()["mfa_token"], "code": code, "code_type": "totp"}
        return self.send("/auth/mfa/verify", body)

    def judge_refused(self, code):
        answer = self.show(code)
        assert answer.status_code == 401, answer.text
        assert "access_token" not in answer.text


def test_an_app_is_set_up_from_the_text_of_its_picture(service):
    ada = Owner(service)
    digits, period = service.shape
    assert (ada.app.digits, ada.app.interval) == (digits, period)
    assert (ada.app.issuer, ada.app.name) == ("QuantFlow Studio", ada.email)
    assert ada.app.secret == ada.setup["secret"]
    ada.settle()
    confirmed = ada.confirm(ada.app.now())
    assert confirmed.status_code == 200, confirmed.text
    assert len(confirmed.json()["backup_codes"]) == 10
    assert "access_token" not in ada.login()


def test_a_code_of_this_step_and_of_those_beside_it_confirms(service):
    for steps in (-1, 0, 1):
        ada = Owner(service)
        ada.settle()
        assert ada.confirm(ada.code(steps)).status_code == 200, steps


def test_a_code_of_another_step_confirms_nothing(service):
    ada = Owner(service)
    ada.settle()
    for steps in (-1000, -3, -2, 2, 3, 1000):
        assert ada.confirm(ada.code(steps)).status_code == 422, steps
    assert "access_token" in ada.login()


def test_a_code_signs_in_once_and_none_before_it_does(service):
    ada = Owner(service)
    ada.settle()
    assert ada.confirm(ada.code(-1)).status_code == 200
    # It was taken when the app was confirmed.
    ada.judge_refused(ada.code(-1))
    for steps in (-3, -2, 2, 3):
        ada.judge_refused(ada.code(steps))
    answer = ada.show(ada.code(0))
    assert answer.status_code == 200, answer.text
    told = jwt.decode(
        answer.json()["access_token"].removeprefix("qf_at_"), options={"verify_signature": False}
    )
    assert (told["acr"], told["amr"]) == (AAL2, ["pwd", "otp", "mfa"]), told
    for steps in (0, -1, -2):
        ada.judge_refused(ada.code(steps))
    # The app's clock may be ahead, and then what is now is the step before.
    assert ada.show(ada.code(1)).status_code == 200
    for steps in (1, 0):
        ada.judge_refused(ada.code(steps))


def test_the_step_before_signs_in_and_the_one_before_that_does_not(service):
    ada = Owner(service)
    ada.settle()
    assert ada.confirm(ada.code(-1)).status_code == 200
    earlier, last = ada.code(-1), ada.code(0)
    ada.wait()
    ada.judge_refused(earlier)
    assert ada.show(last).status_code == 200
    ada.judge_refused(last)


def test_another_apps_code_is_none(service):
    ada, eve = Owner(service), Owner(service)
    for owner in (ada, eve):
        owner.settle()
        assert owner.confirm(owner.code(-1)).status_code == 200
    ada.judge_refused(eve.code(0))
    for typed in ("", "0" * 5, "0" * 9, ada.code(0)[:-1], ada.code(0) + "0", "x" * service.shape[0]):
        answer = ada.show(typed)
        assert answer.status_code in (401, 422), (typed, answer.text)
        assert "access_token" not in answer.text
    assert ada.show(ada.code(0)).status_code == 200
