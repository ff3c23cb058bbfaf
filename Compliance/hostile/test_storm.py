"""Ten thousand connections that end at the same moment: the loop takes them in turns, and others hardly notice."""

import subprocess
import sys
import time

import pytest

import wire

CONNECTIONS = 10_000
CROWD = """
import resource, socket, sys
sys.path.insert(0, sys.argv[3])
import wire
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
port, count, crowd = int(sys.argv[1]), int(sys.argv[2]), []
request = wire.upgrade_request() + wire.frame(wire.TEXT, "x")
for _ in range(count):
    visitor = socket.create_connection(("127.0.0.1", port), 20)
    visitor.sendall(request)
    crowd.append(visitor)
    if len(crowd) % 100 == 0:  # not more at once than the front door lets in
        for other in crowd[-100:]:
            received = b""
            while not received.endswith(bytes([0x81, 1]) + b"x"):
                received += other.recv(4096)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("carrier", ["reactor", "nio"])
def test_ten_thousand_connections_dropped_at_once_harm_nobody(carrier):
    with wire.Server("--carrier", carrier, program="echo") as server:
        canary = wire.Canary(server, "echo")
        crowd = subprocess.Popen(
            [sys.executable, "-c", CROWD, str(server.port), str(CONNECTIONS), wire.__file__.rsplit("/", 1)[0]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            descriptors = server.descriptors()
            assert crowd.stdout.readline() == "ready\n"
            assert server.descriptors() >= descriptors + CONNECTIONS
            began = time.monotonic()
            crowd.kill()
            wire.eventually(
                lambda: server.descriptors() <= descriptors + 10, 20,
                lambda: f"{server.descriptors()} descriptors, {descriptors} before")
            server.assert_alive()
            canary.assert_unharmed(began)
        finally:
            crowd.kill()
            crowd.wait()
            crowd.stdin.close()
            crowd.stdout.close()
            canary.stop()
