"""What every peer in Python is judged in: a running service."""

import tempfile

import pytest
from service import Service


@pytest.fixture(scope="module")
def service():
    with tempfile.TemporaryDirectory() as directory:
        running = Service(directory)
        yield running
        running.stop()
