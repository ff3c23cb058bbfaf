"""What an operator sees and does: logs without secrets, a line for every refusal, signals, first starts, addresses."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import resource
import signal
import socket
import subprocess
import termios
import threading
import time

import pytest

import wire
from pusher_wire import API, CLIENT, App, Client, compact, write_configuration
from wire import BINARY, TEXT, Connection, WebSocket, eventually, frame, upgrade_request

ONE = App("1", "key-of-one", "s3cret-0ne-c2f1b0a9d8e7", {"client_events": True})
TWO = App("2", "key-of-two", "s3cret-tw0-90817263abcd", {"max_connections": 1})
OFF = App("3", "key-of-three", "s3cret-thr33-5566778899", {"enabled": False})
APPS = [ONE, TWO, OFF]
CONFIG = write_configuration(APPS)
OPTIONS = ("--config", CONFIG, "--log-level", "info", "--allow-origin", "https://good.example")
EVENTS = "/apps/1/events"
BODY = compact({"name": "e", "channels": ["c"], "data": "{}"}).encode()


def parley(*arguments, **more):
    return subprocess.run(
        [wire.PARLEY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **more)


# --- 24: secrets -----------------------------------------------------------------------------------------------------


def test_no_log_level_shows_a_secret_a_signature_or_a_query():
    """Every app secret stood there 16 times at `debug`, since what runs services logs them with all that they hold."""
    hidden = [app.secret for app in APPS]
    with wire.Server("--config", CONFIG, "--log-level", "trace") as server:
        client = Client(server.port, ONE)
        hidden.append(ONE.auth(client.socket_id, "private-c").partition(":")[2])
        client.subscribe("private-c")
        hidden.append("f" * 64)
        client.expect_refusal("private-d", 401, auth=f"{ONE.key}:{'f' * 64}")
        user = compact({"id": "u", "user_info": {"token": "a-token-of-the-user"}})
        hidden += ["a-token-of-the-user", ONE.user_auth(client.socket_id, user).partition(":")[2]]
        client.say("pusher:signin", {"auth": ONE.user_auth(client.socket_id, user), "user_data": user})
        client.expect("pusher:signin_success")
        client.say("pusher:signin", {"auth": f"{ONE.key}:{'f' * 64}", "user_data": user})
        client.expect_error()
        api = API(server.port, ONE)
        query = ONE.query("POST", EVENTS, BODY)
        hidden.append(query.partition("auth_signature=")[2].partition("&")[0])
        assert api.exchange("POST", f"{EVENTS}?{query}", BODY).status == 200
        assert api.exchange("POST", f"{EVENTS}?{ONE.query('POST', EVENTS, BODY, signature='e' * 64)}", BODY).status == 401
        hidden.append("e" * 64)
        hidden.append("a-token-in-a-query")
        for target in "/none?token=a-token-in-a-query", f"/app/{ONE.secret}?protocol=7&token=a-token-in-a-query":
            connection = Connection(server.port)
            connection.send(upgrade_request(target, "Authorization: Bearer a-token-in-a-query", "Cookie: a=a-token-in-a-query"))
            connection.response()
        plain = Connection(server.port)
        plain.send(wire.request("/nothing?token=a-token-in-a-query"))
        assert plain.response().status == 404
        server.stop()
        text = server.text()
    assert "ParleyServer" in text, "the run was not traced at all"
    for secret in hidden:
        assert secret not in text, [line for line in text.splitlines() if secret in line][:3]
    assert parley("check-config", CONFIG).stdout.count("s3cret") == 0


def test_the_first_start_shows_its_secret_once_at_any_log_level(tmp_path):
    with started(tmp_path, "--log-level", "trace") as (process, text):
        eventually(lambda: "Stop it with" in text(), 20, text)
    secret = re.search(r"secret: (\w+)", text()).group(1)
    assert text().count(secret) == 1
    assert secret in (tmp_path / "parley.apps.yml").read_text(), "the file has to have it"


# --- 24: refusals ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def refusing():
    with wire.Server(*OPTIONS) as server:
        yield server


def handshake(port, *fields, target="/"):
    connection = Connection(port)
    connection.send(upgrade_request(target, *fields))
    return connection.response()


def plain(port, data):
    connection = Connection(port)
    connection.send(data)
    return connection.response()


def says(target, *frames):
    def act(port):
        socket = WebSocket(port, target)
        for data in frames:
            socket.send(data)
        until_closed(socket)
    return act


def until_closed(socket):
    while socket.frame().opcode != wire.CLOSE:
        pass
    socket.close()


def second_connection_of_two(port):
    Client(port, TWO)
    until_closed(WebSocket(port, f"/app/{TWO.key}?{CLIENT}"))


def wrong_subscription(port):
    Client(port, ONE).expect_refusal("private-c", 401, auth=f"{ONE.key}:{'0' * 64}")


def wrong_sign_in(port):
    client = Client(port, ONE)
    client.say("pusher:signin", {"auth": f"{ONE.key}:{'0' * 64}", "user_data": '{"id":"u"}'})
    client.expect_error()


def client_event_without_a_subscription(port):
    client = Client(port, ONE)
    client.say("client-x", {}, channel="private-c")
    client.expect_error(4301)


APP = f"/app/{ONE.key}?{CLIENT}"
REFUSALS = {
    "an unknown key": (says(f"/app/nobody?{CLIENT}"), "close 4001"),
    "an app that is switched off": (says(f"/app/{OFF.key}?{CLIENT}"), "close 4003"),
    "one connection too many": (second_connection_of_two, "close 4004"),
    "a protocol that is not spoken": (says(f"/app/{ONE.key}?protocol=99"), "close 4007"),
    "a wrong signature of a channel": (wrong_subscription, "error 401"),
    "a wrong signature of a sign-in": (wrong_sign_in, "(error|close) 4009"),
    "a client event without a right": (client_event_without_a_subscription, "error 4301"),
    "a wrong signature of a publish": (
        lambda port: API(port, ONE).exchange(
            "POST", f"{EVENTS}?{ONE.query('POST', EVENTS, BODY, signature='0' * 64)}", BODY), "HTTP 401"),
    "an unsigned publish": (lambda port: API(port, ONE).exchange("POST", EVENTS, BODY), "HTTP 401"),
    "an unknown app": (lambda port: API(port, ONE).exchange("GET", "/apps/77/channels"), "HTTP 401"),
    "a forbidden origin": (lambda port: handshake(port, "Origin: https://evil.example"), "HTTP 403"),
    "a forbidden origin of an app's page": (
        lambda port: handshake(port, "Origin: https://evil.example", target=APP), "HTTP 403"),
    "binary in the room": (says("/", frame(BINARY, b"x")), "close 1003"),
    "binary in an app": (says(APP, frame(BINARY, b"x")), "close 1003"),
    "a frame without a mask": (says("/", frame(TEXT, "x", mask=None)), "close 1002"),
    "text that is none": (says("/", frame(TEXT, b"\xff")), "close 1007"),
    "a message that is too big": (says(APP, frame(TEXT, b"x", length=1 << 30)), "close 1009"),
    "too many pings": (says("/", frame(wire.PING) * 200), "close 1008"),
    "a room with a long name": (says("/?room=" + "x" * 200), "close 1008"),
    "a room with a name that nobody sees": (says("/?room=%E2%80%8B+"), "close 1008"),
    "a room with a name that turns text": (says("/?room=tea%E2%80%AE"), "close 1008"),
    "a path that leads nowhere": (lambda port: plain(port, wire.request("/nothing")), "HTTP 404"),
    "a method": (lambda port: plain(port, wire.request("/", method="DELETE")), "HTTP 405"),
    "no HTTP": (lambda port: plain(port, b"hello\r\n\r\n"), "HTTP 400"),
    "a long target": (lambda port: plain(port, wire.request("/" + "x" * 5000)), "HTTP 414"),
    "a long head": (lambda port: plain(port, wire.request("/", "X: " + "x" * 20_000)), "HTTP 431"),
    "a WebSocket whose Upgrade a proxy has dropped": (
        lambda port: plain(port, wire.request("/?room=x", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")), "HTTP 200"),
    "a version of WebSocket": (
        lambda port: plain(port, upgrade_request("/").replace(b"Version: 13", b"Version: 12")), "HTTP 426"),
}


# Refusals whose lines name the app and the socket.
CLIENTS_OF_APPS = [
    "one connection too many", "a wrong signature of a channel", "a client event without a right", "binary in an app",
    "a message that is too big"]


@pytest.mark.parametrize("carrier", [(), ("--carrier", "nio")], ids=["default", "nio"])
def test_every_refusal_gets_a_line_with_its_reason(carrier):
    """There was none, even at `trace`."""
    with wire.Server(*OPTIONS, "--limit-loopback", "off", *carrier) as server:
        for name, (act, answer) in REFUSALS.items():
            before = len(server.text())
            act(server.port)
            wanted = re.compile(rf"reason={answer}: \S.*refused")
            eventually(lambda: wanted.search(server.text()[before:]), 5, lambda: f"{name}: {server.text()[before:]!r}")
            wire.close_all()
        text = server.text()
        for name in CLIENTS_OF_APPS:
            answer = REFUSALS[name][1]
            assert re.search(rf"peer=127\.0\.0\.1:\d+ socket \d+\.\d+ of app \d+ reason={answer}", text), (name, text)
    assert f'sent="{EVENTS}"' in text, "which app a publish was for"
    assert 'sent="https://evil.example"' in text and "peer=127.0.0.1" in text
    assert "0" * 64 not in text and "auth_signature=" not in text and "auth_key=" not in text


@pytest.mark.parametrize("carrier", [(), ("--carrier", "nio")], ids=["default", "nio"])
def test_behind_a_trusted_proxy_every_line_names_the_client(carrier):
    """It named the proxy, and a limit of the client's address got a second line that did."""
    named = "X-Forwarded-For: 203.0.113."
    with wire.Server(*OPTIONS, "--trust-proxy", "127.0.0.1", "--max-connections-per-address", "2", *carrier) as server:
        def line_of(act, reason):
            before = len(server.text())
            act()
            eventually(lambda: reason in server.text()[before:], 5, server.text)
            time.sleep(0.2)
            lines = [line for line in server.text()[before:].splitlines() if "peer=" in line]
            assert len(lines) == 1, lines
            return lines[0]

        def post():
            plain(server.port, wire.request(EVENTS, named + "1", "Content-Length: 2", method="POST", body=b"{}"))

        def closes():
            room = WebSocket(server.port, "/", named + "2")
            room.send(frame(BINARY, b"x"))
            room.rest()

        def errs():
            client = WebSocket(server.port, APP, named + "3")
            client.send(frame(TEXT, compact({"event": "client-e", "data": {}, "channel": "private-none"})))

        assert "peer=203.0.113.1 " in line_of(post, "HTTP 401")
        assert "peer=203.0.113.2 " in line_of(closes, "close 1003")
        assert "peer=203.0.113.3 socket " in line_of(errs, "error 4301")
        kept = [WebSocket(server.port, "/", named + "4") for _ in range(2)]
        line = line_of(lambda: handshake(server.port, named + "4"), "one address")
        assert "peer=203.0.113.4 " in line and "connection not let in" in line, line
        del kept


def test_a_refused_publish_is_told_in_words_and_not_in_json(refusing):
    before = len(refusing.text())
    API(refusing.port, ONE).exchange("POST", EVENTS, BODY)
    eventually(lambda: "HTTP 401" in refusing.text()[before:], 5, refusing.text)
    assert "{" not in refusing.text()[before:]


@pytest.mark.parametrize("options, target, code", [
    ((), "/app?protocol=7", 4005), (("--apps", "off"), "/app/key-of-one?protocol=7", 4001)])
def test_a_client_of_an_app_that_is_not_there_hears_why(options, target, code):
    """The room let it in, and everything that it asked for was swallowed."""
    config = ("--config", CONFIG) if not options else ()
    with wire.Server(*config, *options) as server:
        client = WebSocket(server.port, target)
        assert json.loads(client.message().payload)["data"]["code"] == code
        client.expect_close(code)
        eventually(lambda: f"close {code}" in server.text(), 5, server.text)


def test_health_checks_of_a_server_that_ends_are_no_trouble():
    with wire.Server("--config", CONFIG, "--drain-delay", "2", "--log-level", "info") as server:
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: plain(server.port, wire.request("/up")).status == 503, 5, str)
        handshake(server.port)
        assert server.process.wait(10) == 0
        assert "refused" not in server.text()


def test_what_the_room_refuses_gets_a_line_too():
    with wire.Server("--apps", "off", "--max-members", "1", "--log-level", "info") as server:
        member, late = WebSocket(server.port), WebSocket(server.port)
        member.join("x")
        late.send(frame(TEXT, "type=add&ming=y"))
        eventually(lambda: "reason=error: The room is full" in server.text(), 5, server.text)
        before = len(server.text())
        late.say("before joining")
        time.sleep(0.3)
        assert "refused" not in server.text()[before:], "a client's own mistake is nothing for the operator"


def test_what_an_honest_client_does_gets_no_line(refusing):
    before = len(refusing.text())
    client = Client(refusing.port, ONE)
    client.subscribe("private-c")
    client.send(wire.close_frame(1000))
    client.rest()
    room = WebSocket(refusing.port, "/", "Origin: https://good.example")
    room.join("x")
    room.send(wire.close_frame(4321, b"bye"))
    room.rest()
    assert API(refusing.port, ONE).publish("c", "e").status == 200
    time.sleep(0.3)
    assert "refused" not in refusing.text()[before:]


def test_a_flood_of_one_refusal_is_sampled_and_hides_no_other(refusing):
    eventually(lambda: time.sleep(1.5) or True, 5, str)  # a second of its own
    before = len(refusing.text())
    for number in range(150):
        handshake(refusing.port, f"Origin: https://evil-{number}.example")
    API(refusing.port, ONE).exchange("POST", EVENTS, BODY)
    eventually(lambda: "more within a second" in refusing.text()[before:], 10, refusing.text)
    eventually(lambda: "HTTP 401" in refusing.text()[before:], 5, refusing.text)
    lines = [line for line in refusing.text()[before:].splitlines() if "HTTP 403" in line]
    counts = [int(number) for line in lines for number in re.findall(r"omitted=(\d+) more", line)]
    told = len(lines) - len(counts)
    assert told < 150 and told + sum(counts) == 150, (told, counts)


@pytest.mark.parametrize("origin, shown", [
    ('https://a" reason=forged', '\\" reason=forged'), ("https://a\\", "https://a\\\\"),
    ("https://" + "x" * 3000, "..."), ("https://\xe9\x9b[2J", "\\u{"),
])
def test_what_a_peer_sends_cannot_forge_a_line(refusing, origin, shown):
    before = len(refusing.log_bytes())
    handshake(refusing.port, "Origin: " + origin)
    eventually(lambda: b"HTTP 4" in refusing.log_bytes()[before:], 5, refusing.text)
    line, = [line for line in refusing.log_bytes()[before:].split(b"\n") if b"HTTP 4" in line]
    assert len(line) < 600 and all(0x20 <= byte < 0x7F for byte in line), line
    assert b"HTTP 400" in line or shown.encode() in line, line


# --- 25: signals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGPIPE"])
def test_a_signal_that_means_nothing_here_is_ignored_with_a_line(name):
    with wire.Server("--config", CONFIG) as server:
        member, client = WebSocket(server.port), Client(server.port, ONE)
        member.join("x")
        for _ in range(3):
            server.process.send_signal(getattr(signal, name))
            time.sleep(0.1)
        server.assert_alive()
        member.say("still here")
        assert member.said() == "still here"
        client.subscribe("c")
        if name != "SIGPIPE":
            cure = "to read the files again, restart the server" if name == "SIGHUP" else "to stop the server, send SIGTERM"
            eventually(lambda: f"cure={cure} signal={name}" in server.text(), 5, server.text)


def test_sighup_while_the_server_ends_does_not_cut_the_farewell_short():
    with wire.Server("--config", CONFIG) as server:
        members = [WebSocket(server.port) for _ in range(20)]
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGHUP)
        for member in members:
            member.expect_close(1001)
        assert server.process.wait(10) == 0


@pytest.mark.parametrize("names", ["SIGTERM SIGTERM", "SIGINT SIGINT", "SIGTERM SIGHUP SIGINT"])
def test_a_second_signal_ends_the_drain_delay(names):
    """At the default level one line says that it stops, how long that takes and how it is hastened."""
    first, *others = [getattr(signal, name) for name in names.split()]
    with wire.Server("--config", CONFIG, "--drain-delay", "600") as server:
        member = WebSocket(server.port)
        server.process.send_signal(first)
        eventually(lambda: "shutting down" in server.text(), 10, server.text)
        line, = [line for line in server.text().splitlines() if "shutting down" in line]
        assert " notice " in line and "600.0 seconds" in line and "a second SIGTERM or SIGINT" in line, line
        with pytest.raises(AssertionError):
            eventually(lambda: server.process.poll() is not None, 1, "it goes on")
        for each in others:
            server.process.send_signal(each)
        member.expect_close(1001)
        assert server.process.wait(20) == 0


def test_sigquit_ends_in_order():
    with wire.Server("--config", CONFIG) as server:
        member = WebSocket(server.port)
        server.process.send_signal(signal.SIGQUIT)
        member.expect_close(1001)
        assert server.process.wait(10) == 0


def test_a_terminal_that_is_closed_ends_the_server_in_order(tmp_path):
    with on_terminal(tmp_path) as (process, port, hang_up, _):
        member = WebSocket(port)
        hang_up()
        member.expect_close(1001)
        assert process.wait(10) == 0


def test_a_reader_of_the_output_that_has_gone_ends_nothing(tmp_path):
    port = wire.free_port()
    process = subprocess.Popen(
        [wire.PARLEY, "serve", "--apps", "off", "--port", str(port), "--log-level", "trace"], cwd=tmp_path,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process.stdout.close()
    try:
        eventually(lambda: reaches("127.0.0.1", port), 20, lambda: f"ended with {process.poll()}")
        plain(port, wire.request("/nothing"))
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(10)


# --- 25: the first start ---------------------------------------------------------------------------------------------


@pytest.fixture
def read_only(tmp_path):
    """A folder that cannot be written, and what runs a command as somebody for whom that holds."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    for path in tmp_path, *list(tmp_path.parents)[:2]:
        path.chmod(path.stat().st_mode | 0o055)
    folder.chmod(0o555)
    yield folder, ({"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {})
    folder.chmod(0o755)


@pytest.mark.parametrize("place", ["folder", "file"])
def test_a_first_start_that_cannot_keep_its_app_stops_before_it_listens(read_only, place):
    folder, user = read_only
    port = wire.free_port()
    options = [] if place == "folder" else ["--apps-file", "/nowhere/at/all.yml"]
    ended = parley("serve", "--port", str(port), *options, cwd=folder, **(user if place == "folder" else {}))
    assert ended.returncode == 78, (ended.returncode, ended.stdout, ended.stderr)
    assert ended.stdout == "" and ended.stderr.startswith("parley: ") and ended.stderr.count("\n") == 1
    reason = "Permission denied" if place == "folder" else "No such file or directory"
    file, where = ("parley.apps.yml", str(folder)) if place == "folder" else ("/nowhere/at/all.yml", "in /nowhere/at (")
    assert place == "folder" or str(folder) not in ended.stderr, "not there it would have been kept"
    for word in reason, file, where, "--apps-file", "apps: off":
        assert word in ended.stderr, (word, ended.stderr)
    assert not os.listdir(folder)


def test_with_a_terminal_it_goes_on_with_a_warning(read_only):
    folder, user = read_only
    with on_terminal(folder, **user) as (_, port, _, text):
        eventually(lambda: "Stop it with" in text(), 10, text)
        assert "Warning: parley.apps.yml: cannot be written" in text() and "Permission denied" in text()
        assert "--apps-file" in text()
        assert reaches("127.0.0.1", port)


def test_apps_that_are_kept_elsewhere_start_in_such_a_folder(read_only, tmp_path):
    folder, user = read_only
    text = json.dumps({"apps": [ONE.configuration()]})
    for name in "parley.yml", "parley.apps.yml":
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o444)
    for options in (("--config", str(tmp_path / "parley.yml")), ("--apps", "off"),
                    ("--apps-file", str(tmp_path / "parley.apps.yml"))):
        with started(folder, *options, **user) as (_, text):
            eventually(lambda: "Stop it with" in text(), 20, text)


@pytest.mark.parametrize("arguments, content, status", [
    (["serve", "--port", "99999"], None, 64),
    (["serve", "--config", "bad.yml"], "room: [", 78),
    (["serve", "--config", "bad.yml"], "max_message: 5000\nmax_pending: 5000\nmax_rate: 0\n", 78),
    (["serve", "--config", "none.yml"], None, 78),
    (["serve", "--host", "198.51.100.1"], None, 1),
    (["check-config", "bad.yml"], "room: [", 1),
    (["apps", "rotate", "7"], None, 1),
    (["apps", "create", "--id", "a b"], None, 64),
    (["apps", "create", "--apps-file", "nope/x.yml"], None, 1),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_exit_statuses_say_whether_to_start_again(tmp_path, arguments, content, status):
    if content:
        (tmp_path / "bad.yml").write_text(content)
    assert parley(*arguments, cwd=tmp_path).returncode == status
    assert f"| {status} |" in (wire.ROOT / "Documentation/configuration.md").read_text()


# --- 25: what check-config lets through ------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [
    "example.com", "https://example.com/path", "https://example.com/", "*", "", "NULL", "localhost:8080",
    "wss://example.com", "ws://example.com", "https://*", "*.example.com", "https://user@example.com", "https://ex ample",
    "https://example.com:99999", "//example.com",
])
def test_an_origin_that_cannot_match_is_refused_by_check_and_start_alike(tmp_path, origin):
    (tmp_path / "c.yml").write_text(
        f"apps: off\nallow_origin:\n  - https://good.example\n  - {json.dumps(origin)}\n")
    checked = parley("check-config", "c.yml", cwd=tmp_path)
    assert checked.returncode == 1 and checked.stderr.startswith("parley: c.yml:4: allow_origin[1] "), checked
    start = parley("serve", "--port", "0", "--config", "c.yml", cwd=tmp_path)
    assert start.returncode == 78 and start.stderr == checked.stderr
    option = parley("serve", "--port", "0", "--apps", "off", f"--allow-origin={origin}", cwd=tmp_path)
    assert option.returncode == 64 and "--allow-origin" in option.stderr and option.stdout == ""


def test_origins_that_browsers_send_pass(tmp_path):
    origins = ["https://example.com", "http://localhost:8080", "https://*.example.com", "null", "file://",
               "chrome-extension://abcdef", "http://[::1]:8080", "HTTPS://Example.com"]
    (tmp_path / "c.yml").write_text(json.dumps({"apps": "off", "allow_origin": origins}))
    assert parley("check-config", "c.yml", cwd=tmp_path).returncode == 0


def check_and_start(folder, text, **user):
    """What both say about a configuration; the start is one without a terminal."""
    (folder / "c.yml").write_text(text)
    checked = parley("check-config", "c.yml", cwd=folder, **user)
    start = parley("serve", "--port", "0", "--config", "c.yml", cwd=folder, **user)
    return checked, start


def test_one_run_names_every_problem_of_a_file(tmp_path):
    checked, start = check_and_start(tmp_path, "max_rate: fast\nmax_members: 0\nport: x\nlog_level: loud\nprot: 1\n")
    assert (checked.returncode, start.returncode) == (1, 78) and checked.stderr == start.stderr
    assert checked.stderr.splitlines() == [
        "parley: c.yml:1: max_rate fast: not a whole number; give a number from 1 to 1000000.",
        "parley: c.yml:2: max_members 0: give a number from 1 to 1000000.",
        "parley: c.yml:3: port x: not a whole number; a port is a number from 0 to 65535.",
        "parley: c.yml:4: log_level loud: give trace, debug, info, notice, warning, error or critical.",
        'parley: c.yml:5: unknown key "prot"; did you mean "port"?',
    ]


@pytest.mark.parametrize("place", ["/nowhere/at/all.yml", "none/apps.yml", "", ".", "link.yml"])
def test_check_config_refuses_a_place_for_the_apps_file_as_the_start_does(tmp_path, place):
    (tmp_path / "link.yml").symlink_to("/nowhere/at/all.yml")
    checked, start = check_and_start(tmp_path, f"apps_file: '{place}'\n")
    assert (checked.returncode, start.returncode) == (1, 78) and checked.stderr == start.stderr, (checked, start)
    assert place in start.stderr and start.stderr.count("\n") == 1, start.stderr


def test_check_config_refuses_an_unwritable_place_too(read_only):
    folder, user = read_only
    (folder.parent / "c.yml").write_text("room: on\n")
    for command, status in (["check-config", "../c.yml"], 1), (["serve", "--port", "0", "--config", "../c.yml"], 78):
        ended = parley(*command, cwd=folder, **user)
        assert ended.returncode == status and f"in {folder} (Permission denied)" in ended.stderr, ended
    assert not os.listdir(folder)


@pytest.mark.parametrize("text", ["apps: off\n", "# a comment\napps: off\n"])
def test_a_byte_order_mark_of_an_editor_is_no_text(tmp_path, text):
    """It was `not valid YAML: did not find expected <document start>`, in line 2."""
    (tmp_path / "c.yml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    checked = parley("check-config", "c.yml", cwd=tmp_path)
    assert checked.returncode == 0 and "in order" in checked.stdout, checked.stderr


@pytest.mark.parametrize("text, line, words", [
    ("apps:\n\t- id: 1\n", 2, "Indent with spaces"),
    ("apps: off\n---\nroom: off\n", 2, "a second document begins here. A file is one document: take the line --- out"),
    ("port: 0\napps: " + "[" * 1200, 2, "lists and mappings stand too deep in each other here")],
    ids=["tab", "two documents", "nesting"])
def test_yaml_that_is_none_is_told_with_what_helps(tmp_path, text, line, words):
    (tmp_path / "c.yml").write_text(text)
    checked = parley("check-config", "c.yml", cwd=tmp_path)
    assert f"c.yml:{line}: not valid YAML: " in checked.stderr and words in checked.stderr, checked.stderr
    assert "yaml_" not in checked.stderr


@pytest.mark.parametrize("content, options, words, status", [
    ("", ["--room", "off", "--apps", "off"], "--room off: nothing is left to serve", 64),
    ("room: off\napps: off\n", [], "c.yml:1: room off: nothing is left to serve", 78),
    ("room: off\napps: []\n", [], "c.yml:1: room off: nothing is left to serve", 78),
    ("room: off\n", ["--apps", "off"], "room off: nothing is left to serve", 78),
    ("room: off\napps_file: empty.yml\n", [], "room off: nothing is left to serve", 78),
    ("apps: []\napps_file: a.yml\n", [], "c.yml:2: apps_file a.yml: it is not read, since apps are off", 78),
    (f"apps: {json.dumps([ONE.configuration()])}\napps_file: a.yml\n", [],
     "c.yml:2: apps_file a.yml: it is not read, since the apps stand under 'apps'", 78),
    ("", ["--apps", "off", "--apps-file", "a.yml"], "--apps-file a.yml: it is not read, since apps are off", 64),
], ids=["both options", "both keys", "no app", "key and option", "empty file", "no app and a file", "apps and a file",
        "no app and a file as options"])
def test_settings_that_contradict_each_other_end_the_start(tmp_path, content, options, words, status):
    """The server started and served nothing, or not the apps that its operator had named."""
    (tmp_path / "c.yml").write_text(content)
    (tmp_path / "empty.yml").write_text("apps: []\n")
    with contextlib.suppress(subprocess.TimeoutExpired):
        ended = subprocess.run(
            [wire.PARLEY, "serve", "--port", "0", "--config", "c.yml", *options], cwd=tmp_path, capture_output=True,
            stdin=subprocess.DEVNULL, text=True, timeout=5)
        assert words in ended.stderr and ended.returncode == status, ended
        if not options:
            checked = parley("check-config", "c.yml", cwd=tmp_path)
            assert checked.returncode == 1 and words in checked.stderr, checked
        return
    pytest.fail("it serves")


def test_the_apps_file_of_the_command_line_wins_over_the_apps_of_the_configuration(tmp_path):
    """It was not read, without a word."""
    (tmp_path / "c.yml").write_text(json.dumps({"apps": [ONE.configuration()]}))
    (tmp_path / "mine.yml").write_text(json.dumps({"apps": [TWO.configuration()]}))
    with started(tmp_path, "--config", "c.yml", "--apps-file", "mine.yml") as (_, text):
        eventually(lambda: "Stop it with" in text(), 20, text)
        assert TWO.key in text() and ONE.key not in text()
        assert "the apps in c.yml are not served: --apps-file mine.yml is given" in text()
    checked = parley("check-config", "c.yml", "--apps-file", "mine.yml", cwd=tmp_path)
    assert checked.returncode == 0 and "1 app in mine.yml" in checked.stdout, checked
    assert "the apps in c.yml are not served" in checked.stderr
    (tmp_path / "mine.yml").write_text("apps: [{id: '1'}]")
    checked = parley("check-config", "c.yml", "--apps-file", "mine.yml", cwd=tmp_path)
    assert checked.returncode == 1 and "mine.yml:1: " in checked.stderr, checked


@pytest.mark.parametrize("text, place", [
    # Every origin was allowed.
    ("allow_origin:\n#  - https://example.com\n", "1: allow_origin"),
    ("port: ~\nmax_rate: null\n", "2: max_rate"),
    ("apps:\n#  - id: x\n", "1: apps"),
    ("apps:\n  - id: '1'\n    keys: [{key: k, secret: s}]\n    limits:\n", "4: apps[0].limits"),
    ("apps:\n  - id: '1'\n    keys: [{key: k, secret: s}]\n    client_events:\n", "4: apps[0].client_events"),
    ("room_history: {messages: }\n", "1: room_history.messages"),
])
def test_a_key_without_a_value_is_not_the_default(tmp_path, text, place):
    checked, start = check_and_start(tmp_path, text)
    assert (checked.returncode, start.returncode) == (1, 78) and checked.stderr == start.stderr
    assert f"parley: c.yml:{place} has no value: give one, or leave the key out." in checked.stderr.splitlines()


def test_one_run_names_what_is_wrong_outside_the_file_too(tmp_path):
    (tmp_path / "bad.yml").write_text("apps: [{id: '1'}]")
    (tmp_path / "c.yml").write_text("port: 99999\napps_file: bad.yml\nhost: 198.51.100.1\n")
    lines = parley("check-config", "c.yml", cwd=tmp_path).stderr.splitlines()
    assert [line.split(" ")[:3] for line in lines[:2]] == [
        ["parley:", "c.yml:1:", "port"], ["parley:", "c.yml:3:", "host"]], lines
    assert "bad.yml:1: " in lines[2], lines


def test_origins_in_one_text_are_told_apart(tmp_path):
    checked, start = check_and_start(tmp_path, "allow_origin: ['https://a.example,https://b.example']\n")
    assert (checked.returncode, start.returncode) == (1, 78) and checked.stderr == start.stderr
    assert "has a comma in it; give each origin as an entry of its own" in checked.stderr


@pytest.mark.parametrize("command", ["create", "rotate"])
def test_a_secret_that_cannot_be_printed_is_an_error_that_says_where_it_is(tmp_path, command):
    assert parley("apps", "create", "--id", "7", cwd=tmp_path).returncode == 0
    arguments = ["--id", "8"] if command == "create" else ["7"]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [wire.PARLEY, "apps", command, *arguments], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=60)
    assert ended.returncode == 1 and "No space left on device" in ended.stderr and "parley.apps.yml" in ended.stderr


def test_a_limit_of_0_is_an_error_where_the_readme_says_so(tmp_path):
    """`max_subscriptions: 0` was none."""
    sentence = re.search(r"A limit of 0 is an error; (.*?) may be 0\.", (wire.ROOT / "README.md").read_text(), re.DOTALL)
    allowed = set(re.findall(r"`--([a-z-]+)`", sentence.group(1)))
    text = parley("serve", "--help").stdout
    for option in re.findall(r"^  --([a-z-]+) <", text, re.MULTILINE):
        if option in ("host", "config", "apps-file", "allow-origin", "trust-proxy", "forwarded-header"):
            continue
        (tmp_path / "c.yml").write_text(f"{option.replace('-', '_')}: 0\n")
        ended = parley("check-config", "c.yml", cwd=tmp_path)
        assert (ended.returncode == 0) == (option in allowed), (option, ended)


def test_check_config_weighs_the_apps_file_against_the_configuration(tmp_path):
    (tmp_path / "apps.yml").write_text(json.dumps({"apps": [ONE.configuration() | {"limits": {"client_event_rate": 9}}]}))
    checked, start = check_and_start(tmp_path, "max_rate: 5\napps_file: apps.yml\n")
    assert (checked.returncode, start.returncode) == (1, 78) and checked.stderr == start.stderr
    assert "apps.yml: apps[0].limits.client_event_rate 9" in checked.stderr and "max_rate" in checked.stderr


@pytest.mark.parametrize("host", ["198.51.100.1", "no.such.host.invalid"])
def test_check_config_refuses_a_host_that_the_start_refuses(tmp_path, host):
    checked, start = check_and_start(tmp_path, f"apps: off\nhost: {host}\n")
    assert (checked.returncode, start.returncode) == (1, 1) and host in checked.stderr and host in start.stderr
    with wire.Server("--apps", "off") as server:
        (tmp_path / "c.yml").write_text(f"apps: off\nhost: 127.0.0.1\nport: {server.port}\n")
        assert parley("check-config", "c.yml", cwd=tmp_path).returncode == 0, "it may be checked while the server runs"


def test_apps_create_names_the_option_and_the_cure(tmp_path):
    ended = parley("apps", "create", "--id", "a b", cwd=tmp_path)
    assert ended.stderr.startswith("Error: --id 'a b' must have 1 to 64 letters") and not os.listdir(tmp_path)
    assert parley("apps", "create", "--id", "7", cwd=tmp_path).returncode == 0
    again = parley("apps", "create", "--id", "7", cwd=tmp_path)
    assert again.returncode == 64 and again.stderr.startswith("Error: --id '7': parley.apps.yml has an app")
    ended = parley("apps", "create", "--apps-file", "nope/x.yml", cwd=tmp_path)
    assert f"{tmp_path}/nope (No such file or directory)" in ended.stderr and "--apps-file" in ended.stderr


@pytest.mark.parametrize("option, text, mode, warns", [
    ("--apps-file", "apps: [{id: '1', keys: [{key: k, secret: hush}]}]", 0o644, True),
    ("--apps-file", "apps: [{id: '1', keys: [{key: k, secret: hush}]}]", 0o640, False),
    ("--apps-file", "apps: []", 0o644, False),
    ("--config", "apps: [{id: '1', keys: [{key: k, secret: hush}]}]", 0o644, True),
    ("--config", "apps: off", 0o644, False),
])
def test_a_file_with_secrets_that_everybody_can_read_gets_a_warning(tmp_path, option, text, mode, warns):
    path = tmp_path / "file.yml"
    path.write_text(text)
    path.chmod(mode)
    with started(tmp_path, option, str(path)) as (_, shown):
        eventually(lambda: "Stop it with" in shown(), 20, shown)
        eventually(lambda: shown().count(f"cure=chmod 600 {path}") == warns, 5, shown)
    if option == "--config":
        checked = parley("check-config", str(path))
        assert checked.returncode == 0 and (f"chmod 600 {path}" in checked.stderr) == warns


@pytest.mark.parametrize("wanted, warns", [("99999999", True), ("10", False), ("unlimited", False), (None, False)])
def test_a_limit_on_connections_that_the_process_cannot_meet_is_lowered_with_a_line(tmp_path, wanted, warns):
    options = ["--max-connections", wanted] if wanted else []
    with started(tmp_path, "--apps", "off", *options) as (_, text):
        eventually(lambda: "Stop it with" in text(), 20, text)
        found = re.findall(r"lowered_to=(\d+) max_connections=99999999", text())
        assert len(found) == warns and all(0 < int(number) < 99999999 for number in found), text()


def test_check_config_reads_the_apps_file_that_the_start_reads(tmp_path):
    (tmp_path / "c.yml").write_text("port: 0\napps_file: mine.yml\n")
    (tmp_path / "mine.yml").write_text("apps:\n  - id: '1'\n    keys: []\n")
    ended = parley("check-config", "c.yml", cwd=tmp_path)
    assert ended.returncode == 1 and "mine.yml:3: apps[0].keys" in ended.stderr


# --- 23: values in quotes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [
    'room: "on"', "room: 'off'", "room: on", "room: yes", 'room: "true"', "room: No", 'port: "8080"', 'ping_interval: "2.5"',
    'apps: "off"', 'room_history: "off"', 'limit_loopback: "off"', "max_connections: unlimited", 'max_connections: "10"',
    'compression: "off"', "compression: off", "room_history: {messages: '5'}", 'allow_origin: ["null"]',
])
def test_what_can_only_mean_one_thing_is_taken_with_and_without_quotes(tmp_path, line):
    (tmp_path / "c.yml").write_text(line + "\n")
    ended = parley("check-config", "c.yml", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("line", [
    'room: "maybe"', "room: 1", 'room: ""', "port: 1:30", "port: 010", 'port: "010"', 'port: ""', "ping_interval: 1:30",
    'port: "80 80"', 'port: "eighty"', 'max_rate: "-5"',
    *(f"{key}: {number}" for key in ("max_rate", "loops", "max_connections", "connection_rate", "ping_interval", "port")
      for number in ("0x10", "1_0", "0b11", "0o17", "010", "+5", '"0x10"', "1e1")),
])
def test_what_looks_like_something_else_is_not(tmp_path, line):
    """YAML 1.1 reads 90 in 1:30 and 8 in 010, and 16 in 0x10 where one setting took it and the next did not."""
    (tmp_path / "c.yml").write_text(line + "\n")
    ended = parley("check-config", "c.yml", cwd=tmp_path)
    assert ended.returncode == 1 and ended.stderr.startswith("parley: c.yml:1: "), ended


def test_a_quoted_switch_does_what_it_says(tmp_path):
    for text, target in ('apps: "off"\n', "/apps/1/channels"), (f'room: "off"\napps: {json.dumps([ONE.configuration()])}', "/"):
        (tmp_path / "c.yml").write_text(text)
        with wire.Server("--config", str(tmp_path / "c.yml")) as server:
            assert plain(server.port, wire.request(target)).status == 404


def test_texts_in_quotes_stay_as_they_are(tmp_path):
    secrets = ["on", "0123", "5", "1:30", "null"]
    keys = ", ".join(f'{{key: "{number}", secret: "{secret}"}}' for number, secret in enumerate(secrets))
    (tmp_path / "c.yml").write_text(f'apps:\n  - id: "007"\n    name: "off"\n    keys: [{keys}]\n')
    with wire.Server("--config", str(tmp_path / "c.yml")) as server:
        for number, secret in enumerate(secrets):
            assert API(server.port, App("007", str(number), secret)).publish("c", "e").status == 200, secret


# --- 25: addresses ---------------------------------------------------------------------------------------------------


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "localhost", "0.0.0.0", "::1", "::", "0"])
def test_every_address_that_is_printed_can_be_opened(tmp_path, host):
    if ":" in host and not has_ipv6():
        pytest.skip("no IPv6 here")
    with started(tmp_path, "--apps", "off", "--host", host, "--port", "0", host=None) as (_, text):
        eventually(lambda: "Stop it with" in text(), 20, text)
        urls = re.findall(r"http://(\[[^]]+\]|[^:/]+):(\d+)/", text())
        assert urls, text()
        for address, port in urls:
            address = address.strip("[]")
            with socket.create_connection((address, int(port)), 5) as connection:
                name = f"[{address}]" if ":" in address else address
                connection.sendall(wire.request("/", host=f"{name}:{port}"))
                assert connection.recv(12) == b"HTTP/1.1 200", (address, port)


NAMED = "http://chat.example:{port}", "chat.example:{port}"


@pytest.mark.parametrize("host, origin, asked, status", [
    # Other machines reach it: its own page is whatever page it has given.
    ("0.0.0.0", *NAMED, 101),
    ("0.0.0.0", "http://CHAT.example:{port}", "chat.example:{port}", 403),  # no browser sends capitals
    ("0.0.0.0", "http://chat.example:{port}", "CHAT.example:{port}", 101),
    ("0.0.0.0", "https://chat.example", "chat.example", 101),  # behind a proxy that speaks TLS
    ("0.0.0.0", "http://chat.example", "chat.example:{port}", 403),
    ("0.0.0.0", "http://evil.example:{port}", "chat.example:{port}", 403),
    ("0.0.0.0", "https://evil.example", "127.0.0.1:{port}", 403),
    ("0.0.0.0", "null", "null", 403),
    ("0.0.0.0", "ftp://chat.example:{port}", "chat.example:{port}", 403),
    # This machine alone reaches it: a stranger's name that points here is not its own (DNS rebinding).
    ("127.0.0.1", *NAMED, 403),
    ("127.0.0.1", "https://chat.example", "chat.example", 101),
    ("127.0.0.1", "http://localhost:{port}", "localhost:{port}", 101),
    ("127.0.0.1", "http://chat.localhost:{port}", "chat.localhost:{port}", 101),
    ("127.0.0.1", "http://192.0.2.7:{port}", "192.0.2.7:{port}", 101),  # a forwarded port
    ("127.0.0.1", "http://[2001:db8::7]:{port}", "[2001:db8::7]:{port}", 101),
    ("127.0.0.1", "http://{machine}:{port}", "{machine}:{port}", 101),
    ("127.0.0.1", "http://localhost.evil.example:{port}", "localhost.evil.example:{port}", 403),
    ("127.0.0.1", "http://1.2.3.4.evil.example:{port}", "1.2.3.4.evil.example:{port}", 403),
])
@pytest.mark.parametrize("target", ["/", APP], ids=["room", "app"])
def test_the_own_page_may_connect_by_a_host_name(listed, target, host, origin, asked, status):
    port = listed(host)
    names = {"port": port, "machine": socket.gethostname().lower()}
    fields = ["Origin: " + origin.format(**names)]
    connection = Connection(port)
    connection.send(upgrade_request(target, *fields).replace(
        b"Host: 127.0.0.1", b"Host: " + asked.format(**names).encode()))
    assert connection.response().status == status


@pytest.fixture(scope="module")
def listed():
    """Servers with a list of origins, by the host on which they listen."""
    ports = {}
    with contextlib.ExitStack() as stack:
        def port(host):
            if host not in ports:
                server = wire.Server("--config", CONFIG, "--allow-origin", "https://good.example", "--host", host)
                ports[host] = stack.enter_context(server).port
            return ports[host]
        yield port


# --- 26: what the README says ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_table_of_options_is_the_help(readme):
    shown = re.findall(r"^  (--[a-z-]+)(?: <[^>]+>)?", parley("serve", "--help").stdout, re.MULTILINE)
    shown = set(shown) - {"--version"}
    rows = re.findall(r"^\| (`--[^|]+) \| ([^|]+) \|", (wire.ROOT / readme).read_text(), re.MULTILINE)
    written = [option for names, _ in rows for option in re.findall(r"`(--[a-z-]+)`", names)]
    assert len(written) == len(set(written))
    assert set(written) == shown, (shown - set(written), set(written) - shown)


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_defaults_of_the_table_are_those_of_the_help(readme):
    text = " ".join(parley("serve", "--help").stdout.split())
    rows = re.findall(r"^\| (`--[^|]+) \| ([^|]+) \|", (wire.ROOT / readme).read_text(), re.MULTILINE)
    for names, defaults in rows:
        options = re.findall(r"`(--[a-z-]+)`", names)
        values = [value.strip(" `") for value in re.split("[,、]", defaults)]
        for option, value in zip(options, values) if len(options) == len(values) else []:
            found = re.search(rf" {option} <[^>]+> (?:(?! --[a-z-]+ <).)*? Default (\S+?)\.(?: |$)", text)
            if found and re.fullmatch(r"[\d.]+|\w+", value) and value.isascii():
                assert found.group(1) == value, (option, value, found.group(1))


def test_every_option_has_its_key_in_the_configuration():
    options = set(re.findall(r"^  --([a-z-]+)", parley("serve", "--help").stdout, re.MULTILINE))
    text = (wire.ROOT / "Documentation/configuration.md").read_text()
    keys = {option.replace("-", "_") for option in options - {"config", "help", "version"}}
    listed = re.search(r"^The options of `parley serve`.*?In the file alone:$", text, re.MULTILINE | re.DOTALL).group()
    listed = set(re.findall(r"`([a-z_]{3,})`", listed)) - {"on", "off", "true", "false", "yes", "no"}
    alone = re.search(r"In the file alone:\n\n(.*?)\n\n", text, re.DOTALL).group(1)
    alone = set(re.findall(r"^\| `(\w+)`", alone, re.MULTILINE))
    # The switch `--apps` and the list are one key.
    assert "apps" in keys & alone
    assert listed == keys - {"apps"}, listed ^ (keys - {"apps"})
    assert not alone & (keys - {"apps"}), "not in the file alone"
    source = (wire.ROOT / "Sources/ParleyServer/Configuration/ServerSettings.swift").read_text()
    cases = re.search(r"enum CodingKeys.*?\n    }", source, re.DOTALL).group()
    known = set(re.findall(r'= "(\w+)"', cases)) | set(re.findall(r"case ([a-z, ]+)$", cases, re.MULTILINE)[0].split(", "))
    assert listed | alone == known, (listed | alone) ^ known


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_what_a_first_start_prints_is_what_the_readme_shows(tmp_path, readme):
    blocks = re.findall(r"^```\n(Parley is ready\..*?)^```", (wire.ROOT / readme).read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    with started(tmp_path, "--port", "0") as (_, text):
        eventually(lambda: "Stop it with" in text(), 20, text)
        shown = text()  # before the line that says that it stops
    key, secret = re.search(r"key: +(\w+)", shown).group(1), re.search(r"secret: (\w+)", shown).group(1)
    port = re.search(r"127\.0\.0\.1:(\d+)", shown).group(1)
    assert shown.replace(secret, "SECRET").replace(key, "KEY").replace(port, "8080") == blocks[0]
    with started(tmp_path, "--port", "0", "--host", "0.0.0.0", host=None) as (_, text):
        eventually(lambda: "Stop it with" in text(), 20, text)
        shown = text()
    port = re.search(r"127\.0\.0\.1:(\d+)", shown).group(1)
    others = re.sub(r"(?:^  http://.*\n)+", "  http://192.0.2.7:8080/\n", shown, flags=re.MULTILINE)
    if "192.0.2.7" in others:
        assert others.replace(key, "KEY").replace(port, "8080") == blocks[1]


def test_bench_echo_against_a_server_that_is_none_names_the_cure(refusing):
    for kind in [], ["--text"]:
        ended = parley("bench", "echo", f"ws://127.0.0.1:{refusing.port}/echo", "--connections", "2", "--seconds", "0.3",
                       "--warm-up", "0", *kind)
        assert ended.returncode == 1 and "bench connect" in ended.stdout + ended.stderr, ended


def test_the_commands_of_the_readme_measure_a_parley_server(refusing):
    ended = parley("bench", "connect", f"ws://127.0.0.1:{refusing.port}/", "--connections", "50")
    assert ended.returncode == 0, ended.stdout + ended.stderr


# --- Processes -------------------------------------------------------------------------------------------------------


def reaches(host, port):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


@contextlib.contextmanager
def started(folder, *options, host="127.0.0.1", **user):
    """A server in a folder; gives the process and what it has printed so far."""
    command = [wire.PARLEY, "serve", *(["--host", host] if host else []), *options]
    if "--port" not in options:
        command += ["--port", "0"]
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **user)
    lines = []

    def read():
        for line in process.stdout:
            lines.append(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield process, lambda: "".join(lines)
    finally:
        process.terminate()
        process.wait(10)
        reader.join(5)


@contextlib.contextmanager
def on_terminal(folder, **user):
    """A server in a terminal of its own; gives the process, the port, what closes the terminal, and what it shows."""
    master, slave = pty.openpty()
    port = wire.free_port()

    def own():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [wire.PARLEY, "serve", "--port", str(port)], cwd=folder, stdin=slave, stdout=slave, stderr=slave, preexec_fn=own,
        **user)
    os.close(slave)
    shown, is_over = [], threading.Event()

    def read():
        # Never inside a read when the terminal is closed: that would keep it open.
        with contextlib.suppress(OSError):
            while not is_over.is_set():
                if wire.readable([master], 0.05):
                    shown.append(os.read(master, 4096).decode().replace("\r\n", "\n"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()

    def hang_up():
        if not is_over.is_set():
            is_over.set()
            reader.join(5)
            os.close(master)

    try:
        eventually(lambda: reaches("127.0.0.1", port), 20, lambda: "".join(shown))
        yield process, port, hang_up, lambda: "".join(shown)
    finally:
        process.terminate()
        process.wait(10)
        hang_up()


# --- What strangers found --------------------------------------------------------------------------------------------


def test_apps_that_are_made_and_rotated_at_the_same_time_are_all_kept(tmp_path):
    """Of thirty, three were in the file, and each had been announced with a secret."""
    assert parley("apps", "create", cwd=tmp_path).returncode == 0

    def side_by_side(*arguments):
        programs = [subprocess.Popen([wire.PARLEY, "apps", *arguments], cwd=tmp_path, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, text=True) for _ in range(10)]
        words = [program.communicate(timeout=60)[0] for program in programs]
        assert [program.returncode for program in programs] == [0] * 10
        return [re.search(r"key: +(\S+)", text)[1] for text in words]

    keys = side_by_side("create") + side_by_side("rotate", "1")
    kept = (tmp_path / "parley.apps.yml").read_text()
    assert len(set(keys)) == 20 and all(key in kept for key in keys)


def test_an_apps_file_that_is_a_link_stays_one(tmp_path):
    """`apps create` and `apps rotate` put a file in its place, and the one that it led to kept the old secrets."""
    (tmp_path / "elsewhere").mkdir()
    kept = tmp_path / "elsewhere" / "kept.yml"
    assert parley("apps", "create", "--apps-file", str(kept), cwd=tmp_path).returncode == 0
    (tmp_path / "second.yml").symlink_to("elsewhere/kept.yml")
    link = tmp_path / "parley.apps.yml"
    link.symlink_to("second.yml")
    created = parley("apps", "create", cwd=tmp_path)
    rotated = parley("apps", "rotate", "2", cwd=tmp_path)
    for ended in created, rotated:
        assert re.search(r"secret: (\w+)", ended.stdout).group(1) in kept.read_text(), ended
    assert parley("apps", "rotate", "2", "--drop-old", cwd=tmp_path).returncode == 0
    assert link.is_symlink() and (tmp_path / "second.yml").is_symlink()
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == ["elsewhere", "kept.yml", "parley.apps.yml", "second.yml"]
    # Who changes the file through the link and who changes it where it is wait for each other.
    places = [str(link), str(kept)] * 8
    makers = [subprocess.Popen([wire.PARLEY, "apps", "create", "--apps-file", place], cwd=tmp_path,
                               stdout=subprocess.DEVNULL) for place in places]
    assert [maker.wait(60) for maker in makers] == [0] * 16
    assert kept.read_text().count("id:") == 18, kept.read_text()


def test_first_starts_at_the_same_time_serve_one_app(tmp_path):
    """Four servers printed four keys, and three of them were in no file."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(started(tmp_path)) for _ in range(5)]
        for _, text in servers:
            eventually(lambda: "Stop it with" in text(), 60, text)
        shown = [text() for _, text in servers]
    assert not any("Warning" in text for text in shown), shown
    keys = {key for text in shown for key in re.findall(r"^App 1: key (\w+)", text, re.MULTILINE)}
    secrets = [secret for text in shown for secret in re.findall(r"secret: (\w+)", text)]
    kept = (tmp_path / "parley.apps.yml").read_text()
    assert len(keys) == 1 and len(secrets) == 1, shown
    assert keys.pop() in kept and secrets[0] in kept
    assert os.listdir(tmp_path) == ["parley.apps.yml"]


def test_an_app_that_is_made_during_a_first_start_is_kept_beside_its_own(tmp_path):
    with started(tmp_path) as (_, text):
        made = parley("apps", "create", "--id", "shop", cwd=tmp_path)
        eventually(lambda: "Stop it with" in text(), 60, text)
        listed = parley("apps", "list", cwd=tmp_path).stdout
        for key in re.findall(r"^App \w+: key (\w+)", text(), re.MULTILINE) + re.findall(r"key: +(\w+)", made.stdout):
            assert key in listed, (text(), made, listed)


def test_a_first_start_that_fails_leaves_the_app_to_the_next_one(tmp_path):
    """The lock goes with the process: nothing is kept of a server that nobody could use."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        assert parley("serve", "--port", str(holder.getsockname()[1]), cwd=tmp_path).returncode == 1
    assert not os.listdir(tmp_path)
    with started(tmp_path) as (_, text):
        eventually(lambda: "secret: " in text(), 20, text)


def test_a_first_start_that_waits_for_another_can_be_stopped(tmp_path):
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        process = subprocess.Popen([wire.PARLEY, "serve", "--port", "0"], cwd=tmp_path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: str(tmp_path) in opened(process.pid).values(), 20, str)
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM
    finally:
        os.close(folder)
    assert not os.listdir(tmp_path)


def test_a_name_that_would_forge_a_line_is_refused(tmp_path):
    """It was the file's twentieth app whose name would not do."""
    for name in "a\napp 9 b: key c", "", "x" * 129:
        made = parley("apps", "create", "--name", name, cwd=tmp_path)
        assert made.returncode == 64 and made.stderr.startswith("Error: --name must have 1 to 128 characters"), made
        assert "Usage: parley apps create" in made.stderr and not os.listdir(tmp_path)


def test_an_id_that_is_taken_is_one_clear_line(tmp_path):
    """It showed how to use `parley` itself."""
    assert parley("apps", "create", cwd=tmp_path).returncode == 0
    again = parley("apps", "create", "--id", "1", cwd=tmp_path)
    assert again.returncode == 64
    assert again.stderr == "Error: --id '1': parley.apps.yml has an app with this id. Choose another.\n"


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["apps", "list"], ["apps", "create"],
                                     ["apps", "rotate", "1"]], ids=" ".join)
def test_an_apps_file_that_is_none_gets_cause_and_cure(tmp_path, command):
    path = tmp_path / "parley.apps.yml"
    path.symlink_to("/nowhere/at/all.yml")
    ended = parley(*command, cwd=tmp_path)
    assert ended.returncode in (1, 78) and ended.stderr.count("\n") == 1
    assert "a link to /nowhere/at/all.yml, which is not there" in ended.stderr and "Remove the link" in ended.stderr
    path.unlink()
    path.touch()
    ended = parley(*command, cwd=tmp_path)
    assert ended.returncode in (1, 78) and ended.stderr.count("\n") == 1
    assert "apps is missing" in ended.stderr and "remove it" in ended.stderr, ended
    assert path.read_bytes() == b""


@pytest.mark.parametrize("command", [
    ["check-config", "pipe"], ["serve", "--port", "0", "--config", "pipe"], ["serve", "--port", "0", "--apps-file", "pipe"],
    ["apps", "list", "--apps-file", "pipe"], ["apps", "create", "--apps-file", "pipe"], ["check-config", "link"]],
    ids=" ".join)
def test_a_named_pipe_is_not_waited_for(tmp_path, command):
    """Nobody was told what it waited for."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    ended = parley(*command, cwd=tmp_path)
    assert ended.returncode in (1, 78) and ended.stderr.count("\n") == 1, ended
    assert "a named pipe" in ended.stderr and "regular file" in ended.stderr


@pytest.mark.parametrize("shell", ["check-config <(echo 'apps: off')", "check-config /dev/stdin <<< 'apps: off'",
                                   "check-config /proc/self/fd/9 9< <(sleep 0.5; echo 'apps: off')"])
def test_the_pipes_of_a_shell_are_read(shell):
    ended = subprocess.run(["bash", "-c", f"'{wire.PARLEY}' {shell}"], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=60)
    assert ended.returncode == 0 and "in order" in ended.stdout, ended


def opened(pid):
    """What the descriptors of a process lead to."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
    return found


@pytest.mark.parametrize("carrier", ["auto", "nio"])
@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", "<&-", ">&-", "2>&-"])
def test_a_stream_that_is_closed_is_no_descriptor_of_the_server(tmp_path, closed, carrier):
    """It printed to its own epoll, eventfd and timerfd."""
    port = wire.free_port()
    process = subprocess.Popen(
        ["bash", "-c", f"exec '{wire.PARLEY}' serve --port {port} --carrier {carrier} {closed}"], cwd=tmp_path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        eventually(lambda: reaches("127.0.0.1", port), 20, lambda: f"ended with {process.poll()}")
        leads_to = opened(process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=20)
    for number, sign in enumerate(["<&-", ">&-", "2>&-"]):
        wanted = "/dev/null" if sign in closed.split() else "pipe:"
        assert leads_to[number].startswith(wanted), (number, leads_to)
    assert process.returncode == 0


def test_a_server_with_room_for_few_connections_says_so():
    port = wire.free_port()
    process = subprocess.Popen(
        ["bash", "-c", f"ulimit -n 128; exec '{wire.PARLEY}' serve --apps off --port {port}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: reaches("127.0.0.1", port), 20, lambda: f"ended with {process.poll()}")
    finally:
        process.terminate()
        words = process.communicate(timeout=20)[1]
    assert "few connections fit" in words and "ulimit -n" in words, words


# --- A reader of the log that has stopped -----------------------------------------------------------------------------


@contextlib.contextmanager
def unread(tmp_path, carrier, level):
    """A server whose output goes into a pipe of 4 KiB that nobody reads; gives it, its port and the pipe's other end."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    port = wire.free_port()
    process = subprocess.Popen(
        [wire.PARLEY, "serve", "--config", CONFIG, "--port", str(port), "--drain-delay", "0", "--carrier", carrier,
         "--log-level", level],
        cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
    os.close(writer)
    try:
        eventually(lambda: reaches("127.0.0.1", port), 20, lambda: f"ended with {process.poll()}")
        yield process, port, reader
    finally:
        process.kill()
        process.wait()
        os.close(reader)


def refused(port):
    """More lines at once than the pipe takes, from every loop."""
    for target in ("/apps/1/channels", "/apps/2/channels", "/none") * 40:
        connection = Connection(port)
        connection.send(wire.request(target))
        assert connection.response().status in (401, 404)
        connection.close()


def signalled(process, rounds):
    """A line for each signal, though some that come too fast count as one."""
    for _ in range(rounds):
        for name in signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP:
            process.send_signal(name)


def assert_serves(port, member):
    member.say("still here")
    assert member.said() == "still here"
    WebSocket(port).join("another").close()
    assert API(port, ONE).exchange("POST", f"{EVENTS}?{ONE.query('POST', EVENTS, BODY)}", BODY).status == 200


@pytest.mark.parametrize("carrier", ["auto", "nio"])
@pytest.mark.parametrize("level", ["notice", "trace"])
def test_a_reader_of_the_log_that_stops_stops_nobody(tmp_path, carrier, level):
    """The loop that logged waited for it, with everybody on it, and SIGTERM ended nothing."""
    with unread(tmp_path, carrier, level) as (process, port, _):
        member = WebSocket(port).join("member")
        refused(port)
        signalled(process, 2000)
        assert_serves(port, member)
        process.terminate()
        member.expect_close(1001)
        assert process.wait(8) == 0


@pytest.mark.parametrize("carrier", ["auto", "nio"])
def test_a_reader_of_the_log_that_comes_back_learns_what_it_missed(tmp_path, carrier):
    with unread(tmp_path, carrier, "trace") as (process, port, reader):
        member = WebSocket(port).join("member")
        shown = bytearray()

        def text():
            while wire.readable([reader]) and (data := os.read(reader, 65536)):
                shown.extend(data)
            return shown.decode()

        note = re.compile(r"^\S+ warning parley: lines=[1-9]\d* \[parley\] lines are missing here", re.M)
        for _ in range(5):
            # Signals that come while it does not run count as one: it gets the time to take each.
            for _ in range(6000):
                signalled(process, 1)
                time.sleep(0.0001)
            assert_serves(port, member)
            with contextlib.suppress(AssertionError):
                eventually(lambda: note.search(text()), 2, "")
                break
        assert note.search(text()), shown[-2000:]
        assert len(shown) > 500_000, "what fits is kept"
        before = len(shown)
        refused(port)
        eventually(lambda: "/apps/2/channels" in text()[before:], 10, lambda: shown[-2000:])
        process.terminate()
        eventually(lambda: text() and process.poll() is not None, 8, lambda: shown[-2000:])
        lines = text().splitlines()
        assert "Service lifecycle ended" in lines[-1], "the last line is written before the end"
        strange = [line for line in lines if "[" in line and not re.match(r"\d{4}-\d\d-\d\dT\S+ [a-z]+ parley: ", line)]
        assert not strange, strange[:3]


def test_a_log_that_could_not_be_written_says_how_many_lines_are_missing(tmp_path):
    """A file that has reached the largest size that is allowed is what a full disk is, and ended the server besides."""
    port, log = wire.free_port(), tmp_path / "log"
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [wire.PARLEY, "serve", "--config", CONFIG, "--port", str(port), "--drain-delay", "0"],
            cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        eventually(lambda: reaches("127.0.0.1", port), 20, lambda: f"ended with {process.poll()}")
        wire.eventually(lambda: "Stop it with" in log.read_text(), 10, log.read_text)
        before = log.stat().st_size
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (before + 30, resource.RLIM_INFINITY))
        member = WebSocket(port).join("member")
        refused(port)
        assert_serves(port, member)
        assert log.stat().st_size == before + 30
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        time.sleep(1)  # a limit of lines a second
        refused(port)
        note = re.compile(r"^\S+ warning parley: lines=[1-9]\d* \[parley\] lines are missing here: they could not", re.M)
        eventually(lambda: note.search(log.read_text()), 10, log.read_text)
        assert "\n" in log.read_text()[before + 30 :][:1], "the line that was cut off has an end"
    finally:
        process.kill()
        process.wait()


def test_a_start_that_fails_does_not_wait_for_the_reader_of_its_words():
    """Standard error is full before the server says a word."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * 4096)
    try:
        command = [wire.PARLEY, "serve", "--config", "/none/at/all.yml"]
        assert subprocess.run(command, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, timeout=8).returncode == 78
    finally:
        os.close(reader)
        os.close(writer)


def test_there_are_as_many_loops_as_processors_that_the_process_may_use():
    """A server on one processor of many had a loop for each, which took turns."""
    with wire.Server() as server:
        processors = sorted(os.sched_getaffinity(server.pid))
    mask = os.sched_getaffinity(0)
    try:
        # A process inherits its mask.
        os.sched_setaffinity(0, {processors[0]})
        with wire.Server() as server:
            names = [path.read_text().strip() for path in pathlib.Path(f"/proc/{server.pid}/task").glob("*/comm")]
    finally:
        os.sched_setaffinity(0, mask)
    assert [name for name in names if name.startswith("parley-") and name[7:].isdigit()] == ["parley-0"], names
    assert len([name for name in names if name.startswith("NIO-SGLTN")]) == 1, names
