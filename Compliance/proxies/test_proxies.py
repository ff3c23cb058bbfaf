"""What goes through the proxies that people have: requests and WebSockets, over upstream connections that are reused."""

import concurrent.futures
import json
import os
import time

import pytest

import pusher_wire
import wire
from conftest import APP, PROXIES
from wire import PING, PONG, Connection, WebSocket, frame, request, upgrade_request

FULL = os.environ.get("PARLEY_FULL") == "1"
ROUNDS = 200 if FULL else 40
REUSED = 3 * ROUNDS // 4  # of the upgrades; Caddy takes a fresh upstream connection for each
EACH = pytest.mark.parametrize("name", list(PROXIES))


class Client:
    """A back end that keeps its connection to the proxy for as long as the proxy does (Apache: 100 requests)."""

    def __init__(self, port, **knobs):
        self.port, self.knobs = port, knobs
        self.connection = None

    def exchange(self, data):
        """Sends a request and gives the status of the answer."""
        if self.connection is None or self.connection.ended:
            self.connection = Connection(self.port, **self.knobs)
        self.connection.send(data)
        answer = self.connection.response()
        if answer.get("Connection") == "close":
            self.close()
        return answer.status

    def publish(self, number):
        body = json.dumps({"name": "event", "channel": "news", "data": str(number)}).encode()
        path = "/apps/1/events"
        return self.exchange(request(
            f"{path}?{APP.query('POST', path, body)}", f"Content-Length: {len(body)}", method="POST", body=body))

    def ask(self):
        path = "/apps/1/channels"
        return self.exchange(request(f"{path}?{APP.query('GET', path)}"))

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def echoes(socket, text):
    socket.send(frame(PING, text))
    while (found := socket.frame()).opcode != PONG:
        if found.opcode == PING:
            socket.send(frame(PONG, found.payload))
    return found.payload == text.encode()


@EACH
def test_requests_and_websockets_mixed(proxied, name):
    """Before each WebSocket a request has left an upstream connection behind, which the proxy uses again."""
    server, proxies = proxied()
    proxy = proxies[name]
    before, client, done, sockets = proxy.relay.reused, Client(proxy.port), 0, []
    for number in range(ROUNDS):
        status = client.publish(number) if number % 2 else client.ask()
        target = f"/app/{APP.key}?{pusher_wire.CLIENT}" if number % 3 else "/?room=" + name
        socket = WebSocket(proxy.port, target)
        done += status == 200 and echoes(socket, str(number))
        sockets.append(socket)
        if len(sockets) > 20:
            sockets.pop(0).close()
    assert done == ROUNDS, proxy.text()
    reused = proxy.relay.reused - before
    assert name == "caddy" or reused >= REUSED, f"{reused} of {proxy.relay.upgrades} upgrades on a reused connection"
    assert all(echoes(socket, "still here") for socket in sockets)
    wire.close_all()
    server.assert_alive()


def test_all_at_once(proxied):
    """The four side by side, each with requests and WebSockets at the same time."""
    server, proxies = proxied()

    def work(name, number):
        port = proxies[name].port
        client, good = Client(port), 0
        for turn in range(ROUNDS // 8):
            good += client.publish(turn) == 200
            socket = WebSocket(port, f"/app/{APP.key}?{pusher_wire.CLIENT}")
            good += echoes(socket, f"{number} {turn}")
            socket.close()
        return good

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, list(PROXIES) * 2, range(8)))
    assert results == [2 * (ROUNDS // 8)] * 8
    wire.close_all()
    server.assert_alive()


@EACH
def test_clients_behind_a_trusted_proxy_are_counted_one_by_one(proxied, name):
    """The proxies are 127.0.0.1, their clients have other addresses of the loopback."""
    server, proxies = proxied("--trust-proxy", "127.0.0.1", "--max-connections-per-address", "5")
    port = proxies[name].port
    # One of its own for each proxy: the places of those who were here before are given back a moment after they close.
    crowded = f"127.0.1.{1 + list(proxies).index(name)}"
    first = [WebSocket(port, source=crowded) for _ in range(5)]
    more = Connection(port, source=crowded)
    more.send(upgrade_request())
    answer = more.response()
    assert answer.status == 503 and b"one address" in answer.body
    others = [WebSocket(port, source=f"127.0.2.{number}") for number in range(1, 9)]
    assert all(echoes(socket, "here") for socket in first + others)
    # A client cannot choose its address: what it claims stands to the left of what the proxy has seen.
    liar = Connection(port, source=crowded)
    liar.send(upgrade_request("/", "X-Forwarded-For: 203.0.113.5"))
    assert liar.response().status == 503
    # Requests are counted while they are answered, and not longer.
    for number in range(30):
        client = Client(port, source="127.0.3.1")
        assert client.publish(number) == 200
        client.close()
    first.pop().close()

    def comes_back():
        again = Connection(port, source=crowded)
        again.send(upgrade_request())
        return again.response(head_only=True).status == 101

    wire.eventually(comes_back, 5, "the place of a client that has left stays taken")
    wire.close_all()
    server.assert_alive()


@pytest.mark.skipif(not FULL, reason="takes 130 s: PARLEY_FULL=1")
def test_an_idle_connection_is_not_cut(proxied):
    """With default time-outs everywhere: the server's pings come more often than the proxies' 50 and 60 s."""
    server, proxies = proxied()
    sockets = []
    for name, proxy in proxies.items():
        sockets.append((name, "room", WebSocket(proxy.port, "/?room=idle")))
        client = WebSocket(proxy.port, f"/app/{APP.key}?{pusher_wire.CLIENT}")
        established = json.loads(client.message().payload)
        assert json.loads(established["data"])["activity_timeout"] < 50, "more than a proxy waits"
        sockets.append((name, "app", client))
    deadline = time.monotonic() + 130
    while time.monotonic() < deadline:
        for name, kind, socket in sockets:
            while socket.take():
                pass
            assert not socket.ended, f"{name} cut the {kind}: {proxies[name].text()}"
            while len(socket.received) >= 2:
                found = socket.frame()
                if found.opcode == PING:
                    socket.send(frame(PONG, found.payload))
                elif found.opcode == wire.TEXT and b"pusher:ping" in found.payload:
                    socket.send(frame(wire.TEXT, '{"event":"pusher:pong","data":{}}'))
        time.sleep(0.1)
    assert all(echoes(socket, "still here") for _, _, socket in sockets)
