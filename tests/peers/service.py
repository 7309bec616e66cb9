"""The service as a process of its own, and its admin door."""

import os
import re
import socket
import subprocess
import threading

import requests

BINARY = os.environ.get("AUTH_SERVICE", "../../target/debug/auth-service")


class Service:
    """The service as a process on an empty data directory."""

    def __init__(self, directory, **own):
        ports = [free_port() for _ in range(3)]
        scheme = "https" if own.get("TLS_ENABLED") else "http"
        self.issuer = f"{scheme}://localhost:{ports[0]}"
        self.door = f"{scheme}://127.0.0.1:{ports[1]}"
        self.grpc = ports[2]
        self.http = requests.Session()
        settings = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": directory,
            "PUBLIC_HOST": "127.0.0.1",
            "PUBLIC_PORT": str(ports[0]),
            "ADMIN_PORT": str(ports[1]),
            "GRPC_PORT": str(ports[2]),
            "OIDC_ISSUER_URL": self.issuer,
            "ARGON2_MEMORY": "64",
            "ARGON2_TIME": "1",
            "RATE_LIMIT_RPS": "10000",
            "RATE_LIMIT_BURST": "10000",
            "LOG_LEVEL": "warn",
            **own,
        }
        binary = os.path.abspath(BINARY)
        self.process = subprocess.Popen(
            [binary, "serve"], env=settings, cwd=directory, stdout=subprocess.PIPE, text=True
        )
        self.key = self.read_key()
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def read_key(self):
        for line in self.process.stdout:
            found = re.search(r"qf_ak_[A-Za-z0-9_-]+", line)
            if found:
                return found.group(0)
        raise AssertionError("the service ended")

    def add_client(self, **fields):
        headers = {"x-api-key": self.key}
        answer = self.http.post(f"{self.door}/admin/clients", json=fields, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
