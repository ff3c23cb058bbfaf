"""The apps of the server under test, and how it is started. conftest.py puts the helpers of Compliance/hostile on the
path.
"""

import pusher_wire
import wire
from pusher_wire import App

# The ids are numbers, because the stock libraries take no others.
APP = App("1", "demo-key", "demo-secret-of-the-tests", {"client_events": True, "history": {"messages": 2_000}})
# Histories in which nothing, and in which much, gets lost while a client is away.
LARGE = App("2", "large-key", "large-secret-of-the-tests", {"history": {"messages": 100_000, "bytes": 64 * wire.MIB}})
SMALL = App("3", "small-key", "small-secret-of-the-tests", {"history": {"messages": 8}})

CONFIGURATION = pusher_wire.write_configuration([APP, LARGE, SMALL])


def server(port=None):
    return wire.Server("--config", CONFIGURATION, *pusher_wire.UNHURRIED, "--log-level", "warning", port=port)
