"""A running server with the apps that these tests use.

Run `pytest Compliance/pusher` after `swift build -c release`. PARLEY_BIN names another binary, PARLEY_CARRIER another
carrier.
"""

import os
import resource
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../hostile"))

import apps  # noqa: E402

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture(scope="module")
def server():
    """The server process; it has to be the same one at the end."""
    with apps.server() as process:
        yield process
        process.assert_alive()
