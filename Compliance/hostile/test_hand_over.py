"""Row 48 a hundred thousand times: what is sent around the 101, while the server moves the connection to its loop.

The clients of hand_over.py come from many addresses and send their frames with the request, behind it, cut anywhere,
and end in every way. No frame may be lost, doubled or out of order.
"""

import json
import pathlib
import subprocess
import sys
import time

import pytest

import wire

PROCESSES = 2
IN_FLIGHT = 64  # connections of each process


@pytest.mark.parametrize("carrier, connections", [("reactor", 100_000), ("nio", 20_000)])
def test_row_48_no_frame_is_lost_however_it_comes_around_the_101(carrier, connections):
    with wire.Server("--carrier", carrier, "--loops", "2", program="echo") as server:
        canary = wire.Canary(server, "echo")
        try:
            # Caches and pools are filled by the first thousand.
            visit(server, 1000)
            descriptors, began = settled_descriptors(server), time.monotonic()
            tallies = visit(server, connections)
            took = time.monotonic() - began
            print(f"{connections} connections in {took:.1f} s: {tallies}")
            assert sum(tallies.values()) == connections
            wire.eventually(
                lambda: server.descriptors() <= descriptors, 15,
                lambda: f"{server.descriptors()} descriptors, {descriptors} before")
            canary.assert_unharmed(began)
            server.assert_alive()
        finally:
            canary.stop()


def visit(server, connections):
    """Runs the clients; gives how many connections went each way, and fails when one did not go as it should."""
    share = connections // PROCESSES
    clients = [
        subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).with_name("hand_over.py"), str(server.port), str(number),
             str(share), str(IN_FLIGHT)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for number in range(PROCESSES)
    ]
    tallies = {}
    try:
        for client in clients:
            output, _ = client.communicate(timeout=240)
            server.assert_alive()
            assert client.returncode == 0, output[-4000:]
            for way, count in json.loads(output).items():
                tallies[way] = tallies.get(way, 0) + count
    finally:
        for client in clients:
            if client.poll() is None:
                client.kill()
                client.wait()
    return tallies


def settled_descriptors(server):
    """The number of descriptors when the last of the clients' connections has gone."""
    history = []

    def settled():
        history.append(server.descriptors())
        return len(history) >= 10 and len(set(history[-10:])) == 1

    wire.eventually(settled, 15, lambda: f"descriptors keep changing: {history[-10:]}")
    return history[-1]
