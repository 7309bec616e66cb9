"""Makes tenants at the admin door of a service that it starts, and says what they cost.

The service takes its settings from the environment; its store is there already.
"""

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import time

MOST_MIB = 100
MOST_READY_S = 1.0
ASKED = 300


class Service:
    """The service as a process of its own."""

    def __init__(self, asked):
        self.asked = asked
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [asked.binary], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not self.is_ready():
            if time.monotonic() - begun > 60 or self.process.poll() is not None:
                sys.exit("the service does not get ready")
            time.sleep(0.002)
        self.ready_s = time.monotonic() - begun

    def is_ready(self):
        try:
            status, _ = self.ask("GET", "/ready", port=self.asked.public)
            return status == 200
        except OSError:
            return False

    def connect(self, port=None):
        return http.client.HTTPConnection("127.0.0.1", port or self.asked.admin, timeout=60)

    def ask(self, method, path, body=None, port=None, headers=None, link=None):
        link = link or self.connect(port)
        headers = {"x-api-key": self.asked.key, **(headers or {})}
        if body is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(body)
        link.request(method, path, body, headers)
        answer = link.getresponse()
        return answer.status, answer.read()

    def memory_mib(self):
        time.sleep(2)
        with open(f"/proc/{self.process.pid}/status") as lines:
            for line in lines:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) / 1024
        return 0.0

    def median_ms(self, method, path, body=None, port=None, headers=None):
        link, spans = self.connect(port), []
        for _ in range(ASKED):
            begun = time.perf_counter()
            status, text = self.ask(method, path, body, headers=headers, link=link)
            spans.append((time.perf_counter() - begun) * 1000)
            if status != 200:
                sys.exit(f"{method} {path}: {status} {text[:200]}")
        return statistics.median(spans)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def figures(service, slug):
    """Measures one service; what is asked of a tenant is asked of the one of this slug."""
    asked = service.asked
    return {
        "ready, s": service.ready_s,
        "memory at rest, MiB": service.memory_mib(),
        "a tenant's discovery, ms": service.median_ms(
            "GET",
            "/.well-known/openid-configuration",
            port=asked.public,
            headers={"x-tenant-id": slug},
        ),
        "a tenant's change, ms": service.median_ms(
            "PATCH", f"/admin/tenants/{slug}", {"name": "Another"}
        ),
        "a page of the list, ms": service.median_ms("GET", "/admin/tenants?per_page=100"),
    }


def main():
    parser = argparse.ArgumentParser()
    for name in ("binary", "key"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("public", "admin", "tenants"):
        parser.add_argument(f"--{name}", required=True, type=int)
    asked = parser.parse_args()

    service = Service(asked)
    few = figures(service, "default")
    link, begun = service.connect(), time.monotonic()
    for number in range(asked.tenants):
        body = {"name": f"Tenant {number}", "slug": f"tenant-{number}"}
        status, text = service.ask("POST", "/admin/tenants", body, link=link)
        if status != 201:
            sys.exit(f"tenant {number}: {status} {text[:200]}")
        if number % 2000 == 1999:
            print(f"  {number + 1} tenants after {time.monotonic() - begun:.0f} s", flush=True)
    grown = service.memory_mib()
    service.stop()
    service = Service(asked)
    many = figures(service, f"tenant-{asked.tenants // 2}")
    service.stop()

    print(f"{'':28}{'1 tenant':>12}{asked.tenants + 1:>12} tenants")
    for name, before in few.items():
        print(f"{name:28}{before:12.2f}{many[name]:12.2f}")
    print(f"{'right after making them, MiB':28}{'':12}{grown:12.2f}")
    more = many["memory at rest, MiB"] - few["memory at rest, MiB"]
    is_met = more <= MOST_MIB and many["ready, s"] <= MOST_READY_S
    print(f"{more:+.1f} MiB of {MOST_MIB}; ready in {many['ready, s']:.2f} s of {MOST_READY_S:.0f}")
    sys.exit(0 if is_met else 1)


main()
