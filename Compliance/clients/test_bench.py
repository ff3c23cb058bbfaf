"""`parley bench` against EchoServer, and what it says when something is wrong.

PARLEY_BIN and ECHO_SERVER_BIN name the binaries (default: those in .build/release).
"""

import base64
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
TIME_LIMIT = 60


def binary_path(variable, name):
    """A binary of ours, or a failure that says how to get it."""
    path = Path(os.environ.get(variable) or REPOSITORY / ".build" / "release" / name)
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not there. Run: swift build -c release --product {name} (or set {variable})")
    return str(path)


@pytest.fixture(scope="module")
def echo_server():
    """An EchoServer process with its URL as `url`."""
    process = subprocess.Popen(
        [binary_path("ECHO_SERVER_BIN", "EchoServer"), "--port", "0"], stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(TIME_LIMIT, process.kill)
    watchdog.start()
    process.url = None
    for line in process.stdout:
        if found := re.search(r"listening on (ws://\S+)", line):
            process.url = found[1]
            break
    watchdog.cancel()
    threading.Thread(target=process.stdout.read, daemon=True).start()
    try:
        assert process.url, "EchoServer ended, or took too long, before it printed where it listens"
        yield process
        assert process.poll() is None, f"EchoServer ended during the tests with {process.returncode}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def bench(*arguments, **more):
    return subprocess.run(
        [binary_path("PARLEY_BIN", "parley"), "bench", *map(str, arguments)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIME_LIMIT, **more)


def figures(*arguments):
    """The JSON object of a run that has to be without errors."""
    ended = bench(*arguments, "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("\n") == 1, ended.stdout
    found = json.loads(ended.stdout)
    assert found["errors"] == 0 and found["faults"] == []
    return found


def raw_server(answer):
    """A server that calls `answer` with each connection and the head of its request; gives the listening socket."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head and (piece := connection.recv(4096)):
                    head += piece
                answer(connection, head)

    threading.Thread(target=serve, daemon=True).start()
    return listener


@pytest.mark.parametrize("options", [[], ["--text"], ["--in-flight", 16, "--size", 200], ["--loops", 2, "--size", 20_000]])
def test_echo(echo_server, options):
    found = figures(
        "echo", echo_server.url, "--connections", 20, "--seconds", 0.5, "--warm-up", 0.2, "--server-pid",
        echo_server.pid, *options)
    assert found["mode"] == "echo" and found["conns"] == 20
    assert found["msgs_per_s"] > 0 and found["total"] > 0 and found["gaps"] == 0
    assert 0 < found["p50_us"] <= found["p90_us"] <= found["p99_us"] <= found["p999_us"] <= found["max_us"]
    assert found["server_cpu_us_per_msg"] > 0 and found["server_cpu_us_per_connect"] > 0
    assert found["msgs_per_read"] >= 1 and found["rss_kib"] > 1000


def test_idle_tells_the_memory_of_a_connection(echo_server):
    found = figures(
        "idle", echo_server.url, "--connections", 500, "--hold", 0.2, "--exchange", "--server-pid", echo_server.pid)
    assert found["conns"] == 500 and found["exchange"] == 1 and found["total"] == 500
    assert found["bytes_per_conn_rss"] > 0 and found["bytes_per_conn_anonymous"] > 0


def test_connect_tells_how_long_a_handshake_takes(echo_server):
    found = figures("connect", echo_server.url, "--connections", 300, "--concurrency", 8)
    assert found["conns"] == 300 and found["connect_per_s"] > 0 and found["p50_us"] > 0
    assert "server_cpu_us_per_connect" not in found


def test_the_summary_is_for_people(echo_server):
    ended = bench("echo", echo_server.url, "--connections", 3, "--seconds", 0.3, "--warm-up", 0)
    assert ended.returncode == 0
    assert ended.stdout.startswith("echo: 3 connections, 64 B binary, 1 in flight, 0.3 s\n")
    for word in ["echoes", "latency", "p99.9", "handshakes", "errors      none"]:
        assert word in ended.stdout
    lines = ended.stderr.splitlines()
    assert lines[0] == "connecting 0/3" and lines[-1] == "finishing"


def test_an_echo_server_is_no_publisher(echo_server):
    """Nothing that one sends reaches another one: it is told, and is an error. Waits for 10 seconds."""
    ended = bench("fanout", echo_server.url, "--subscribers", 3, "--seconds", 0.1, "--warm-up", 0, "--json")
    assert ended.returncode == 1
    found = json.loads(ended.stdout)
    assert found["errors"] == 3 and found["published"] == 1 and found["msgs_per_s"] == 0
    assert "3 messages never arrived" in found["faults"][0] and echo_server.url in found["faults"][0]
    assert "3 messages never arrived" in ended.stderr


def test_a_message_above_the_limit_of_the_server(echo_server):
    ended = bench("echo", echo_server.url, "--connections", 2, "--size", 100_000)
    assert ended.returncode == 1
    assert "1009" in ended.stderr and "--size" in ended.stderr and ended.stdout == ""


def test_nobody_listens():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        ended = bench("echo", f"ws://127.0.0.1:{port}/")
    assert ended.returncode == 1 and ended.stdout == ""
    assert f"127.0.0.1:{port} refuses connections: start the server" in ended.stderr


@pytest.mark.parametrize("answer, words", [
    (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404: check the path"),
    (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "status 503: it is at a limit"),
    (b"SSH-2.0-OpenSSH\r\n", "is it a WebSocket server?"),
    (b"", "closed the connection before it had answered"),
])
def test_a_handshake_that_is_refused(answer, words):
    with raw_server(lambda connection, head: connection.sendall(answer)) as listener:
        ended = bench("connect", f"ws://127.0.0.1:{listener.getsockname()[1]}/", "--connections", 3)
    assert ended.returncode == 1 and ended.stdout == ""
    assert words in ended.stderr


def test_a_changed_echo_is_an_error():
    """An own server sends every message back with one bit changed."""

    def answer(connection, head):
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", head)[1]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        frame = b""
        while len(frame) < 70:
            frame += connection.recv(70 - len(frame))
        payload = bytearray(byte ^ frame[2 + index % 4] for index, byte in enumerate(frame[6:]))
        payload[-1] ^= 1
        connection.sendall(b"\x82\x40" + payload)
        while connection.recv(4096):
            pass

    with raw_server(answer) as listener:
        ended = bench(
            "echo", f"ws://127.0.0.1:{listener.getsockname()[1]}/", "--connections", 1, "--seconds", 0.1,
            "--warm-up", 0)
    assert ended.returncode == 1
    assert "a message came back with other bytes" in ended.stdout


def test_too_few_descriptors_is_told_with_the_cure():
    import resource

    def limited():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

    ended = bench("idle", "ws://127.0.0.1:9/", "--connections", 100, preexec_fn=limited)
    assert ended.returncode == 1
    assert "ulimit -n 164" in ended.stderr


@pytest.mark.parametrize("arguments, words", [
    (["echo", "http://127.0.0.1/"], "give a URL that begins with ws://; this generator does not speak TLS."),
    (["echo", "wss://127.0.0.1/"], "does not speak TLS"),
    (["echo", "ws://127.0.0.1/", "--size", "23"], "--size 23: give a number from 24 to 16777216."),
    (["echo", "ws://127.0.0.1/", "--seconds", "301"], "--seconds 301.0: give seconds from 0.1 to 300."),
    (["fanout", "ws://127.0.0.1/", "--subscribers", "0"], "--subscribers 0: give a number from 1 to 1000000."),
    (["fanout", "ws://127.0.0.1/", "--publish-url", "x"], "--publish-url: "),
    (["idle", "ws://127.0.0.1/", "--hold", "301"], "--hold 301.0: "),
    (["connect", "ws://127.0.0.1/", "--concurrency", "0"], "--concurrency 0: "),
    (["connect", "ws://127.0.0.1/", "--conections", "7"], "--conections"),
])
def test_a_bad_option_is_named(arguments, words):
    ended = bench(*arguments)
    assert ended.returncode == 64 and ended.stdout == ""
    assert words in ended.stderr and ended.stderr.startswith("Error: ")


def test_a_process_that_is_not_there():
    ended = bench("echo", "ws://127.0.0.1:9/", "--server-pid", 2**31 - 1)
    assert ended.returncode == 1
    assert ended.stderr.startswith("parley: --server-pid 2147483647: there is no such process")


def test_help_teaches():
    overview = bench("--help").stdout
    for word in ["parley bench echo ws://", "parley bench fanout", "parley bench idle", "parley bench connect"]:
        assert word in overview
    for command in ["echo", "fanout", "idle", "connect"]:
        text = bench(command, "--help").stdout
        assert f"parley bench {command} ws://" in text and "--server-pid" in text
