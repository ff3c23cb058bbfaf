"""The front door, at the socket: bodies before the key is known, reused connections, proxies, keep-alive, health.

Tests that neither end nor fill the server share one of each kind.
"""

import contextlib
import json
import selectors
import signal
import socket
import time

import pytest

import pusher_wire
import wire
from pusher_wire import App
from test_command_line import parley
from wire import KIB, MIB, PONG, PING, Connection, WebSocket, frame, request, upgrade_request

CARRIERS = pytest.mark.parametrize("carrier", ["reactor", "nio"])
APP = App("1", "door-key", "door-secret-of-the-tests")
OTHER = App("2", "other-key", "other-secret-of-the-tests")
EVENTS = "/apps/1/events"
BIG = b'{"name":"e","channel":"c","data":"' + b"x" * (255 * KIB) + b'"}'


@contextlib.contextmanager
def door(*options, **settings):
    """A server with two apps; it has to survive the test."""
    configuration = pusher_wire.write_configuration([APP, OTHER], **settings)
    with wire.Server("--config", configuration, *options) as server:
        try:
            yield server
            if server.process.poll() is None:
                server.assert_alive()
        finally:
            wire.close_all()


@pytest.fixture(scope="module")
def shared():
    """Gives the server with these options; the tests of this file share it."""
    with contextlib.ExitStack() as stack:
        servers = {}

        def start(*options):
            if options not in servers:
                servers[options] = stack.enter_context(door(*options))
            servers[options].assert_alive()
            return servers[options]

        yield start


@pytest.fixture
def server(shared):
    """The server at its defaults."""
    yield shared()
    wire.close_all()


def signed(app=APP, body=BIG, path=None, **changes):
    """The head of a publish, without its body."""
    path = path or f"/apps/{app.id}/events"
    return request(f"{path}?{app.query('POST', path, body, **changes)}", f"Content-Length: {len(body)}", method="POST")


def publish(server, app=APP, connection=None, **knobs):
    """A small publish on a connection of its own, or on one that is there; gives the answer."""
    connection = connection or Connection(server.port, **knobs)
    body = b'{"name":"e","channel":"c","data":"small"}'
    connection.send(signed(app, body) + body)
    return connection.response()


def log_lines(server, words):
    return [line for line in server.text().splitlines() if words in line]


def echoes(socket):
    """Whether the connection is a WebSocket that answers."""
    socket.__class__ = WebSocket
    socket.send(frame(PING, "are you there?"))
    while (found := socket.frame()).opcode != PONG:
        pass
    return found.payload == b"are you there?"


class TestBodies:
    """Only signed requests may hold memory for a body, and those within the node's budget."""

    @pytest.mark.parametrize("changes, status", [
        ({"auth_key": "nobody"}, 401), ({"auth_key": None}, 401), ({"auth_timestamp": None}, 401),
        ({"auth_timestamp": 1}, 401), ({"body_md5": None}, 401), ({"signature": "0" * 64}, 401),
        ({"signature": "short"}, 401), ({"path": "/apps/9/events"}, 404), ({"path": "/apps/1/nothing"}, 404),
    ])
    @pytest.mark.parametrize("framing", ["Content-Length", "chunked"])
    def test_what_the_head_gets_wrong_is_answered_before_the_body(self, server, changes, status, framing):
        connection = Connection(server.port)
        head = signed(**changes)
        if framing == "chunked":
            head = head.replace(b"Content-Length: %d" % len(BIG), b"Transfer-Encoding: chunked")
        connection.send(head)
        answer = connection.response(3)
        assert answer.status == status and answer.get("Connection") == "close", answer
        assert json.loads(answer.body)["error"]

    def test_an_unsigned_request_is_refused_alike_when_it_is_whole(self, server):
        """From the head or behind a body: the same status and words."""
        answers = []
        for body in b"", BIG:
            connection = Connection(server.port)
            connection.send(signed(signature="0" * 64) + body)
            answers.append(connection.response())
        assert [answer.status for answer in answers] == [401, 401]
        assert answers[0].body == answers[1].body

    def test_strangers_take_no_memory_with_bodies(self):
        """400 connections that hold 255 of 256 KiB: 100 MB, without an answer, before."""
        with door() as server:
            publish(server)
            resident = server.resident()
            crowd = [Connection(server.port) for _ in range(400)]
            for connection in crowd:
                connection.send(signed(signature="0" * 64) + BIG[:-KIB], patience=2)
            grown = server.resident() - resident
            assert grown < 40 * MIB, f"{grown // MIB} MiB"
            assert publish(server).status == 200

    def test_signed_bodies_stay_within_the_budget_and_a_share_is_left_to_others(self):
        with door("--body-budget", str(8 * MIB)) as server:
            publish(server)
            resident = server.resident()
            crowd, statuses = [], []
            for _ in range(100):
                connection = Connection(server.port)
                connection.send(signed() + BIG[:-KIB], patience=2)
                crowd.append(connection)
            for connection in crowd:
                try:
                    statuses.append(connection.response(0.5 if len(statuses) < 20 else 0.05))
                except TimeoutError:
                    statuses.append(None)
            refused = [answer for answer in statuses if answer]
            # One app takes half of it: sixteen bodies of 256 KiB.
            assert statuses.count(None) == 16 and len(refused) == 84
            assert {answer.status for answer in refused} == {503}
            assert all(answer.get("Retry-After") == "1" for answer in refused)
            assert all(b"as many request bodies for this app as it may" in answer.body for answer in refused)
            grown = server.resident() - resident
            assert grown < 1.3 * 4 * MIB + 6 * MIB, f"{grown // KIB} KiB"
            assert publish(server, OTHER).status == 200, "another app has its share"
            lines = log_lines(server, "--body-budget")
            assert lines and "app=1" in lines[0]
            assert "reason=the bodies of app 1 take its share, half of what other apps leave of the budget" in lines[0]
            for connection, answer in zip(crowd, statuses):
                if answer is None:
                    connection.send(BIG[-KIB:])
                    assert connection.response().status in (200, 413)
            assert publish(server).status == 200

    @pytest.mark.parametrize("rest", ["at once", "later", "never"])
    def test_a_body_without_memory_is_refused_at_once_and_costs_nobody_the_connection(self, rest):
        """A back end that repeats its request had to open a connection for each time, of which there is a limit."""
        with door("--body-budget", str(8 * MIB)) as server:
            # Sixteen are its share; the others may be there sooner.
            holders = [Connection(server.port) for _ in range(20)]
            for holder in holders:
                holder.send(signed() + BIG[:-KIB], patience=2)
            wire.eventually(lambda: self.is_refused(server), 10, "the bodies have not taken the share of the app")
            connection = Connection(server.port)
            for _ in range(3):
                connection.send(signed() + (BIG if rest == "at once" else BIG[:-KIB]))
                answer = connection.response()
                assert answer.status == 503 and answer.get("Connection") is None, answer
                if rest == "never":
                    connection.socket.shutdown(socket.SHUT_WR)
                    with pytest.raises(wire.Ended):
                        connection.response()
                    return
                if rest == "later":
                    connection.send(BIG[-KIB:])
            for holder in holders:
                holder.close()
            wire.eventually(lambda: publish(server, connection=connection).status == 200, 10, "the share is not free")

    @staticmethod
    def is_refused(server):
        connection = Connection(server.port)
        connection.send(signed() + BIG)
        return connection.response().status == 503

    def test_a_body_that_is_not_the_one_that_was_signed_is_refused(self, server):
        connection = Connection(server.port)
        connection.send(signed() + BIG.replace(b"x", b"y"))
        assert connection.response().status == 401


class TestReuse:
    """A proxy sends its clients' requests over connections that others have used before them."""

    @CARRIERS
    @pytest.mark.parametrize("target", ["/", f"/app/{APP.key}?{pusher_wire.CLIENT}"], ids=["room", "app"])
    @pytest.mark.parametrize("before", ["publish", "channels", "page", "all"])
    def test_an_upgrade_works_on_a_connection_that_served_requests(self, shared, carrier, target, before):
        server = shared("--carrier", carrier)
        publish(server)
        descriptors = server.descriptors()
        for _ in range(5):
            connection = Connection(server.port)
            for _ in range(2):
                if before in ("publish", "all"):
                    assert publish(server, connection=connection).status == 200
                if before in ("channels", "all"):
                    path = "/apps/1/channels"
                    connection.send(request(f"{path}?{APP.query('GET', path)}"))
                    assert connection.response().status == 200
                if before in ("page", "all"):
                    connection.send(request("/parley.js"))
                    assert connection.response().status == 200
            # What comes right behind the request is the first frame.
            connection.send(upgrade_request(target) + frame(PING, "early"))
            assert connection.response().status == 101
            connection.__class__ = WebSocket
            while (found := connection.frame()).opcode != PONG:
                pass
            assert found.payload == b"early" and echoes(connection)
            connection.send(wire.close_frame(1000))
            while (found := connection.frame()).opcode != wire.CLOSE:
                pass
            assert found.code == 1000
            connection.expect_end()
            connection.close()
        wire.eventually(lambda: server.descriptors() <= descriptors, 5, "descriptors are left")

    @CARRIERS
    def test_such_a_websocket_says_goodbye_and_pings_as_any(self, carrier):
        with door("--carrier", carrier, "--ping-interval", "0.5", "--pong-timeout", "5") as server:
            connection = Connection(server.port)
            assert publish(server, connection=connection).status == 200
            connection.send(upgrade_request("/"))
            assert connection.response().status == 101
            connection.__class__ = WebSocket
            assert connection.frame().opcode == PING
            server.process.send_signal(signal.SIGTERM)
            while (found := connection.frame()).opcode == PING:
                connection.send(frame(PONG, found.payload))
            assert found.code == 1001
            connection.send(wire.close_frame(1001))
            assert server.process.wait(5) == 0

    def test_a_refused_upgrade_ends_the_connection(self):
        with door("--allow-origin", "https://example.com") as server:
            connection = Connection(server.port)
            assert publish(server, connection=connection).status == 200
            connection.send(upgrade_request("/", "Origin: https://evil.example"))
            assert connection.response().status == 403
            connection.expect_end()


def test_tls_on_the_plain_port_is_named(connect):
    connection = connect()
    connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    answer = connection.response()
    assert answer.status == 400 and b"This is TLS (https:// or wss://)" in answer.body, answer


class TestRequests:
    @pytest.mark.parametrize("first", [
        request("/", method="HEAD"), request("/apps/1/channels?" + APP.query("HEAD", "/apps/1/channels"), method="HEAD"),
    ], ids=["page", "api"])
    @pytest.mark.parametrize("second, status", [
        (b"\x16\x03\x01", 400), (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414), (request("/nowhere"), 404),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 101 + b"\r\n", 431), (b"G\0T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: " + b"b" * 17000, 431),
        (request("/", method="DELETE"), 405), (upgrade_request("/", version_field="12"), 426),
    ])
    def test_a_refusal_behind_head_has_its_body(self, server, first, second, status):
        connection = Connection(server.port)
        connection.send(first)
        connection.response(head_only=True)
        connection.send(second)
        answer = connection.response()
        assert answer.status == status
        assert answer.body and int(answer.get("Content-Length")) == len(answer.body)

    @pytest.mark.parametrize("refused, status", [
        (request("/nowhere", method="HEAD"), 404), (b"HEAD /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 101 + b"\r\n", 431), (b"HEAD / HTTP/1.1\r\n\r\n", 400),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\nbad field\r\n\r\n", 400),
    ])
    def test_a_refused_head_has_none(self, server, refused, status):
        connection = Connection(server.port)
        connection.send(request("/"))
        connection.response()
        connection.send(refused)
        answer = connection.response(head_only=True)
        assert answer.status == status and connection.rest() == b""

    def test_absolute_form_is_served_as_origin_form(self, server):
        """RFC 9112 §3.2.2: a server has to take it, and what it names as host counts."""
        connection = Connection(server.port)
        for target in "http://example.com", "http://example.com/", "HTTP://example.com:8080/parley.js", \
                "https://example.com/up?x=1", "http://[::1]/up":
            connection.send(request(target, host="other.example"))
            assert connection.response().status == 200, target
        body = b'{"name":"e","channel":"c","data":"x"}'
        query = APP.query("POST", EVENTS, body)
        connection.send(request(
            f"http://example.com{EVENTS}?{query}", f"Content-Length: {len(body)}", method="POST", body=body))
        assert connection.response().status == 200
        connection.send(upgrade_request("ws://x/"))
        assert connection.response().status in (101, 404)
        for target in "/", f"/app/{APP.key}?{pusher_wire.CLIENT}":
            upgraded = Connection(server.port)
            upgraded.send(upgrade_request("http://example.com" + target))
            assert upgraded.response().status == 101 and echoes(upgraded)
        with door("--allow-origin", "https://example.com") as guarded:
            own = f"a.localhost:{guarded.port}"
            for target, host, status in (f"http://{own}/", "evil.example", 101), ("http://evil.example/", own, 403):
                page = Connection(guarded.port)
                page.send(upgrade_request(target, f"Origin: http://{own}", host=host))
                assert page.response().status == status, (target, host)
        for target in "http:///", "http://", "http://a@b/", "http://a b/", "http://a:99999/":
            wrong = Connection(server.port)
            wrong.send(request(target))
            assert wrong.response().status == 400, target

    @pytest.mark.parametrize("room", ["on", "off"])
    def test_up_says_that_the_node_serves(self, room):
        with door("--room", room) as server:
            connection = Connection(server.port)
            for method in "GET", "HEAD", "GET":
                connection.send(request("/up", method=method))
                answer = connection.response(head_only=method == "HEAD")
                assert answer.status == 200
            connection.send(upgrade_request("/up"))
            assert connection.response().status == (101 if room == "on" else 200)

    @pytest.mark.parametrize("target, allowed", [
        ("/", "GET, HEAD, OPTIONS"), ("/up", "GET, HEAD, OPTIONS"), ("*", "GET, HEAD, OPTIONS"),
        (EVENTS, "POST, OPTIONS"), ("/apps/1/channels", "GET, OPTIONS"),
    ])
    def test_options_names_the_methods_and_nothing_of_cors(self, server, target, allowed):
        connection = Connection(server.port)
        for _ in range(2):
            connection.send(request(
                target, "Origin: https://example.com", "Access-Control-Request-Method: POST", method="OPTIONS"))
            answer = connection.response()
            assert answer.status == 204 and answer.get("Allow") == allowed
            assert not [name for name, _ in answer.fields if name.lower().startswith("access-control")]
            assert answer.get("Content-Length") is None
        assert connection.received == b""


class TestKeepAlive:
    @pytest.mark.parametrize("kind", ["api", "page", "up"])
    def test_a_connection_is_kept_for_as_long_as_is_set_and_without_a_request_for_the_handshake(self, kind):
        with door("--keep-alive-timeout", "3", "--handshake-timeout", "1") as server:
            silent, connection = Connection(server.port), Connection(server.port)
            for turn in range(2):
                if kind == "api":
                    assert publish(server, connection=connection).status == 200
                else:
                    connection.send(request("/" if kind == "page" else "/up"))
                    assert connection.response().status == 200
                if turn == 0:
                    time.sleep(2)
            silent.expect_end(0.5)
            began = time.monotonic()
            connection.expect_end(6)
            assert time.monotonic() - began > 2.5

    def test_a_request_that_has_begun_has_the_usual_time(self):
        with door("--keep-alive-timeout", "30", "--handshake-timeout", "1") as server:
            connection = Connection(server.port)
            connection.send(request("/up"))
            connection.response()
            connection.send(b"GET /u")
            assert connection.response(3).status == 408


class TestShutdown:
    @CARRIERS
    def test_the_listener_stays_for_the_delay_and_says_that_it_goes(self, carrier):
        with door("--carrier", carrier, "--drain-delay", "3") as server:
            member = WebSocket(server.port).join("member")
            kept = Connection(server.port)
            assert publish(server, connection=kept).status == 200
            server.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            wire.eventually(lambda: "shutting down" in server.text() or self.up(server) == 503, 2, "it does not drain")
            assert self.up(server) == 503
            for target in "/", f"/app/{APP.key}?{pusher_wire.CLIENT}", "/up":
                late = Connection(server.port)
                late.send(upgrade_request(target))
                answer = late.response()
                assert answer.status == 503 and answer.get("Retry-After"), target
            assert publish(server).status == 200
            answer = publish(server, connection=kept)
            assert answer.status == 200 and answer.get("Connection") == "close"
            member.say("still here")
            assert member.said() == "still here"
            assert time.monotonic() - began < 2.5, "the machine is too slow for this test"
            member.expect_close(1001)
            assert time.monotonic() - began > 2.5
            assert server.process.wait(5) == 0

    def test_the_default_is_a_second(self):
        server = wire.Server()
        place = server.command.index("--drain-delay")
        del server.command[place:place + 2]
        with server as named:
            named.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert named.process.wait(5) == 0
            assert time.monotonic() - began > 0.9

    @staticmethod
    def up(server):
        connection = Connection(server.port)
        connection.send(request("/up"))
        answer = connection.response()
        assert (answer.status == 503) == bool(answer.get("Retry-After"))
        return answer.status


def upgrade(server, *fields, **knobs):
    """An upgrade to the room; gives the connection and the answer, `None` when the server closed it without one."""
    connection = Connection(server.port, **knobs)
    connection.send(upgrade_request("/", *fields))
    try:
        return connection, connection.response()
    except (wire.Ended, TimeoutError):
        return connection, None


class TestReserve:
    """`--max-connections` counts WebSockets; what is above it has a reserve of 16 places, or 5 %."""

    @CARRIERS
    def test_a_publish_is_answered_at_the_limit(self, carrier):
        with door("--carrier", carrier, "--max-connections", "10") as server:
            members = [WebSocket(server.port) for _ in range(10)]
            silent = [Connection(server.port) for _ in range(10)]
            began = time.monotonic()
            answer = publish(server)
            assert answer.status == 200 and time.monotonic() - began < 1
            assert answer.get("Connection") == "close", "a place of the reserve is for one request"
            _, answer = upgrade(server)
            assert answer.status == 503 and answer.get("Retry-After") and answer.body
            for connection in silent:
                connection.expect_end(5)
            assert time.monotonic() - began < 5, "the reserve waits 2 s for a head"
            assert all(map(echoes, members))
            members.pop().close()
            wire.eventually(lambda: upgrade(server)[1].status == 101, 5, "the place of one that has left is free")
            lines = log_lines(server, "connection not let in")
            assert lines and "as many WebSockets" in lines[0]

    def test_other_connections_are_not_websockets(self):
        """Ten connections that are kept for requests take no WebSocket's place, and leave when the server is full."""
        with door("--max-connections", "10") as server:
            kept = [Connection(server.port) for _ in range(26)]
            for connection in kept:
                assert publish(server, connection=connection).status == 200
            sockets = [upgrade(server) for _ in range(10)]
            assert [answer.status for _, answer in sockets] == [101] * 10
            assert publish(server).status == 200

    def test_an_address_has_a_quarter_of_the_reserve(self):
        options = "--max-connections", "2", "--max-connections-per-address", "1000", "--limit-loopback", "on"
        with door(*options, "--handshake-timeout", "30") as server:
            members = [WebSocket(server.port) for _ in range(2)]
            silent = [Connection(server.port, source="127.0.0.2") for _ in range(12)]
            began = time.monotonic()
            assert publish(server, source="127.0.0.3").status == 200
            refused = [connection.rest(5) for connection in silent]
            assert refused.count(b"") == 4, "four had their two seconds"
            assert sum(b" 503 " in answer and b"its share of the reserve" in answer for answer in refused) == 8
            assert time.monotonic() - began < 5
            assert all(map(echoes, members))

    def test_an_address_has_half_of_few_connections_unless_the_operator_says_otherwise(self):
        with door("--max-connections", "20", "--limit-loopback", "on") as server:
            crowd = [Connection(server.port, source="127.0.0.2") for _ in range(12)]
            for connection in crowd:
                connection.send(wire.upgrade_request("/"))
            heads = [connection.response().status for connection in crowd]
            assert heads.count(101) == 10 and heads.count(503) == 2, heads
            assert all(map(echoes, [WebSocket(server.port, source="127.0.0.3") for _ in range(5)]))
        with door("--max-connections", "20", "--max-connections-per-address", "20", "--limit-loopback", "on") as server:
            assert all(map(echoes, [WebSocket(server.port, source="127.0.0.2") for _ in range(20)]))

    def test_refusals_have_words_fifty_a_second(self):
        with door("--max-connections-per-address", "2", "--limit-loopback", "on") as server:
            members = [WebSocket(server.port, source="127.0.0.2") for _ in range(2)]
            began = time.monotonic()
            crowd = [Connection(server.port, source="127.0.0.2") for _ in range(600)]
            answers = [connection.rest() for connection in crowd]
            took = time.monotonic() - began
            told = [answer for answer in answers if answer]
            assert 50 <= len(told) <= 50 + 50 * took + 1
            assert all(b" 503 " in answer and b"Retry-After: 1\r\n" in answer for answer in told)
            assert all(b"too many connections from one address" in answer for answer in told)
            assert all(map(echoes, members))
            assert publish(server, source="127.0.0.3").status == 200


class TestForwarded:
    """Behind `--trust-proxy` the clients count, not the proxy."""

    OPTIONS = "--trust-proxy", "127.0.0.1", "--trust-proxy", "10.0.0.0/8", "--max-connections-per-address", "3"

    @CARRIERS
    def test_a_websocket_counts_for_its_client_as_long_as_it_lives(self, carrier):
        with door("--carrier", carrier, *self.OPTIONS) as server:
            mine = "X-Forwarded-For: 203.0.113.9, 198.51.100.1, 10.1.2.3"
            sockets = [upgrade(server, mine) for _ in range(3)]
            assert [answer.status for _, answer in sockets] == [101] * 3
            connection, answer = upgrade(server, mine)
            assert answer.status == 503 and b"one address" in answer.body and answer.get("Retry-After")
            connection.expect_end()
            for number in range(10):
                assert upgrade(server, f"X-Forwarded-For: 198.51.100.1, 192.0.2.{number}")[1].status == 101
            sockets[0][0].close()
            wire.eventually(lambda: upgrade(server, mine)[1].status == 101, 5, "it still counts")
            lines = log_lines(server, "one address")
            assert lines and "peer=198.51.100.1" in lines[0]
            assert not log_lines(server, "--trust-proxy")

    def test_requests_count_while_they_are_answered_on_a_connection_that_is_shared(self):
        with door(*self.OPTIONS) as server:
            connection = Connection(server.port)
            for number in range(40):
                connection.send(request("/up", f"X-Forwarded-For: 198.51.100.{number % 2}"))
                assert connection.response().status == 200
            # Three bodies under way are three connections of their client.
            held = [Connection(server.port) for _ in range(3)]
            for one in held:
                body = BIG[:4096]
                one.send(signed(body=body).replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n"))
            time.sleep(0.3)
            connection.send(request("/up", "X-Forwarded-For: 198.51.100.1"))
            assert connection.response().status == 503
            other = Connection(server.port)
            other.send(request("/up", "X-Forwarded-For: 198.51.100.2"))
            assert other.response().status == 200

    def test_loopback_is_exempt_as_a_peer_and_never_by_a_header(self):
        with door(*self.OPTIONS) as server:
            assert [upgrade(server)[1].status for _ in range(8)] == [101] * 8
            claimed = [upgrade(server, "X-Forwarded-For: 127.0.0.9")[1].status for _ in range(4)]
            assert claimed == [101] * 3 + [503]

    def test_more_entries_than_are_read_give_nobody_a_second_share(self):
        """With 33 entries the proxy's address counted: a stranger had its share too, and then nobody had a place."""
        with door(*self.OPTIONS) as server:
            for ahead, status in (0, 101), (31, 101), (32, 101), (32, 503), (500, 503):
                value = ", ".join(["203.0.113.9"] * ahead + ["198.51.100.1"])
                assert upgrade(server, f"X-Forwarded-For: {value}")[1].status == status, ahead
            assert upgrade(server, "X-Forwarded-For: 198.51.100.2")[1].status == 101
            # Nothing of the share for which the proxy's own address counts is taken.
            assert [upgrade(server, "X-Forwarded-For: nonsense")[1].status for _ in range(4)] == [101] * 3 + [503]

    @pytest.mark.parametrize("value", [
        "nonsense", "198.51.100.1, unknown", ", ".join(["198.51.100.1"] * 33), "198.51.100.1:port",
    ])
    def test_what_cannot_be_believed_counts_for_the_peer_on_the_loopback_too(self, value):
        """Only the proxy itself is exempt there, and not what it passes on."""
        with door(*self.OPTIONS) as server:
            assert [upgrade(server, f"X-Forwarded-For: {value}")[1].status for _ in range(4)] == [101] * 3 + [503]

    def test_a_proxy_that_asks_for_itself_is_exempt_on_the_loopback(self):
        with door(*self.OPTIONS) as server:
            assert [upgrade(server, "X-Forwarded-For: 10.0.0.1")[1].status for _ in range(6)] == [101] * 6

    def test_the_header_has_a_name(self):
        with door(*self.OPTIONS, "--forwarded-header", "CF-Connecting-IP") as server:
            named = [upgrade(server, "cf-connecting-ip: 198.51.100.1", f"X-Forwarded-For: 192.0.2.{number}")
                     for number in range(4)]
            assert [answer.status for _, answer in named] == [101] * 3 + [503]

    def test_an_untrusted_header_is_one_line(self):
        with door("--max-connections-per-address", "3", "--limit-loopback", "on") as server:
            statuses = [upgrade(server, f"X-Forwarded-For: 192.0.2.{number}")[1].status for number in range(4)]
            assert statuses == [101] * 3 + [503], "the header of a stranger counts for nothing"
            for _ in range(5):
                connection = Connection(server.port, source="127.0.0.2")
                connection.send(request("/up", "Forwarded: for=192.0.2.1"))
                assert connection.response().status == 200
                connection.close()
            assert len(log_lines(server, "--trust-proxy")) == 1
            assert "header=X-Forwarded-For" in log_lines(server, "--trust-proxy")[0]

    @pytest.mark.parametrize("arguments, words", [
        (["--trust-proxy", "10.0.0.0/33"], "10.0.0.0/33"), (["--trust-proxy", "proxy.example.com"], "10.0.0.0/8"),
        (["--forwarded-header", "Forwarded"], "X-Forwarded-For"), (["--forwarded-header", "a b"], "a b"),
        (["--drain-delay", "-1"], "0 to 3600"), (["--keep-alive-timeout", "0"], "0.1 to 86400"),
        (["--body-budget", "1000"], "1048576"),
    ])
    def test_options_that_cannot_be_are_named(self, arguments, words):
        ended = parley("serve", "--port", "0", "=".join(arguments))
        assert ended.returncode == 64 and words in ended.stderr


@pytest.mark.parametrize("carrier", ["reactor", "nio"])
def test_pipelined_requests_take_turns_with_newcomers(carrier):
    """All that a connection had sent was answered before anybody else was looked at: a newcomer waited 12 s for 200."""
    requests = 1_100
    with wire.Server("--carrier", carrier) as server:
        pipelines, tails = [], {}
        for _ in range(150):
            pipeline = socket.create_connection(("127.0.0.1", server.port))
            pipeline.setblocking(False)
            pipelines.append(pipeline)
        burst = request("/up") * requests
        left = {pipeline: burst for pipeline in pipelines}
        answers, heard = 0, None
        poll = selectors.DefaultSelector()
        for pipeline in pipelines:
            poll.register(pipeline, selectors.EVENT_READ | selectors.EVENT_WRITE)
        newcomer = None
        while answers < requests * len(pipelines):
            for key, events in poll.select(10):
                peer = key.fileobj
                if peer is newcomer:
                    assert b"101 Switching Protocols" in peer.recv(4096)
                    poll.unregister(peer)
                    heard = answers
                    continue
                if events & selectors.EVENT_WRITE:
                    left[peer] = left[peer][peer.send(left[peer]):]
                    if not left[peer]:
                        poll.modify(peer, selectors.EVENT_READ)
                if events & selectors.EVENT_READ:
                    heard_now = tails.get(peer, b"") + peer.recv(1 << 18)
                    answers += heard_now.count(b"HTTP/1.1 200")
                    tails[peer] = heard_now[-11:]
            if newcomer is None and not any(left.values()):
                newcomer = socket.create_connection(("127.0.0.1", server.port))
                newcomer.sendall(upgrade_request("/"))
                poll.register(newcomer, selectors.EVENT_READ)
                begun = answers
        for peer in [*pipelines, newcomer]:
            peer.close()
    total = requests * len(pipelines)
    assert begun < total // 2, "the test means nothing when all of them were answered before"
    assert heard is not None and heard - begun < (total - begun) // 3, (begun, heard, total)
