"""Text and binary echo between our examples and WebSocket implementations that others wrote.

EchoServer is met by PyPI's websockets, aiohttp and tornado, by Debian's node-ws and by Debian's gorilla; EchoClient
meets the servers of websockets and tornado. Compression is negotiated and asserted every time.

ECHO_SERVER_BIN and ECHO_CLIENT_BIN name the binaries (default: those in .build/release).
"""

import asyncio
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import aiohttp
import pytest
import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket
import websockets.asyncio.client
import websockets.asyncio.server

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent

TEXTS = ["hello", "", "你好，世界 🀄", "hello", "说" * 5000]
# Half of it does not compress, half of it does.
BINARY = random.Random(7692).randbytes(35_000) + bytes(range(250)) * 140
MESSAGES = [*TEXTS, BINARY]

TIME_LIMIT = 30


def binary_path(variable, name):
    """The example's binary, or a failure that says how to get it."""
    path = Path(os.environ.get(variable) or REPOSITORY / ".build" / "release" / name)
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not there. Run: swift build -c release --product {name} (or set {variable})")
    return str(path)


def tool(name, package):
    """A command of the system, or a failure that says how to get it."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is not there. Run: apt-get install {package}")
    return path


@pytest.fixture(scope="module")
def echo_server():
    """The URL of an EchoServer with `--compression dedicated`; it has to survive the tests and end on SIGTERM."""
    process = subprocess.Popen(
        # The binary message is larger than the default limit.
        [binary_path("ECHO_SERVER_BIN", "EchoServer"), "--port", str(free_port())]
        + ["--compression", "dedicated", "--max-message", "1048576"]
        + ["--carrier", os.environ.get("PARLEY_CARRIER", "auto")],
        stdout=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(TIME_LIMIT, process.kill)
    watchdog.start()
    url = None
    for line in process.stdout:
        if found := re.search(r"listening on (ws://\S+)", line):
            url = found[1]
            break
    watchdog.cancel()
    # Whatever it prints later must not fill the pipe and stop it.
    threading.Thread(target=process.stdout.read, daemon=True).start()
    try:
        assert url, "EchoServer ended, or took too long, before it printed where it listens"
        yield url
        assert process.poll() is None, f"EchoServer ended during the tests with {process.returncode}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail("EchoServer was still running 10 seconds after SIGTERM")


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(coroutine):
    """Runs a test's coroutine; one that hangs fails."""

    async def limited():
        async with asyncio.timeout(TIME_LIMIT):
            return await coroutine

    return asyncio.run(limited())


def assert_deflate(header):
    """The server agreed to permessage-deflate, and only to that (RFC 7692 §7.1)."""
    extensions = [extension.strip() for extension in (header or "").split(",")]
    assert len(extensions) == 1, header
    assert extensions[0].split(";")[0].strip() == "permessage-deflate", header


def assert_context_takeover(header):
    """`dedicated` keeps the window from message to message unless the client asks otherwise (RFC 7692 §7.1.1)."""
    assert_deflate(header)
    assert "no_context_takeover" not in header


# EchoServer and clients of others


def test_websockets_client(echo_server):
    async def exchange():
        async with websockets.asyncio.client.connect(echo_server, proxy=None) as socket:
            assert_context_takeover(socket.response.headers["Sec-WebSocket-Extensions"])
            assert [extension.name for extension in socket.protocol.extensions] == ["permessage-deflate"]
            assert socket.subprotocol is None
            for message in MESSAGES:
                await socket.send(message)
                assert await socket.recv() == message
            pong = await socket.ping(b"still there?")
            await pong
            await socket.close(1000, "done")
        assert socket.protocol.close_rcvd is not None, "no close frame came back"
        assert socket.protocol.close_rcvd.code == 1000
        assert socket.close_code == 1000

    run(exchange())


def test_websockets_client_asks_for_no_context_takeover_and_a_small_window(echo_server):
    from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

    offer = ClientPerMessageDeflateFactory(
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        server_max_window_bits=9,
        client_max_window_bits=9,
    )

    async def exchange():
        connecting = websockets.asyncio.client.connect(echo_server, compression=None, extensions=[offer], proxy=None)
        async with connecting as socket:
            header = socket.response.headers["Sec-WebSocket-Extensions"]
            assert_deflate(header)
            parameters = {parameter.strip() for parameter in header.split(";")[1:]}
            assert {"server_no_context_takeover", "server_max_window_bits=9"} <= parameters
            for message in MESSAGES:
                await socket.send(message)
                assert await socket.recv() == message
        assert socket.protocol.close_rcvd.code == 1000

    run(exchange())


def test_aiohttp_client(echo_server):
    async def exchange():
        async with aiohttp.ClientSession() as session, session.ws_connect(echo_server, compress=15) as socket:
            assert socket.compress, "permessage-deflate was not negotiated"
            assert not socket.client_notakeover
            assert socket.protocol is None
            for message in MESSAGES:
                if isinstance(message, str):
                    await socket.send_str(message)
                    assert await socket.receive_str() == message
                else:
                    await socket.send_bytes(message)
                    assert await socket.receive_bytes() == message
            assert await socket.close(code=1000, message=b"done")
            assert socket.close_code == 1000
            assert socket.exception() is None

    run(exchange())


def test_tornado_client(echo_server):
    async def exchange():
        socket = await tornado.websocket.websocket_connect(echo_server, compression_options={})
        assert_context_takeover(socket.headers.get("Sec-WebSocket-Extensions"))
        assert socket.selected_subprotocol is None
        for message in MESSAGES:
            await socket.write_message(message, binary=isinstance(message, bytes))
            assert await socket.read_message() == message
        socket.close(1000, "done")
        assert await socket.read_message() is None
        assert socket.close_code == 1000

    run(exchange())


def client_program(command, environment=None):
    """Runs a client of another language and gives the JSON object that it prints."""
    process = subprocess.run(
        command, env=os.environ | (environment or {}), capture_output=True, text=True, timeout=2 * TIME_LIMIT
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def assert_outcome(outcome):
    assert_deflate(outcome["extensions"])
    assert outcome["echoed"] == len(MESSAGES)
    assert not outcome["subprotocol"]
    assert outcome["closeCode"] == 1000


def test_node_ws_client(echo_server):
    node = tool("node", "nodejs node-ws")
    outcome = client_program([node, str(HERE / "client.js"), echo_server, *TEXTS], {"NODE_PATH": "/usr/share/nodejs"})
    assert_outcome(outcome)


def test_gorilla_client(echo_server, tmp_path):
    go = tool("go", "golang-go golang-github-gorilla-websocket-dev")
    environment = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(tmp_path / "cache")}
    program = tmp_path / "client"
    subprocess.run(
        [go, "build", "-o", str(program), str(HERE / "main.go")], env=os.environ | environment, check=True, timeout=300
    )
    # It asks for no context takeover in both directions.
    assert_outcome(client_program([str(program), echo_server, *TEXTS]))


# EchoClient and servers of others


async def echo_client(url):
    """Runs EchoClient with every text and asserts that it prints each echo on a line and ends with 0."""
    command = [binary_path("ECHO_CLIENT_BIN", "EchoClient"), url, "--compression", "dedicated"]
    for text in TEXTS:
        command += ["--message", text]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    assert output.decode() == "".join(f"{text}\n" for text in TEXTS)


def test_websockets_server():
    async def exchange():
        received = []
        closed = asyncio.get_running_loop().create_future()

        async def echo(socket):
            received.append(socket.response.headers.get("Sec-WebSocket-Extensions"))
            async for message in socket:
                received.append(message)
                await socket.send(message)
            closed.set_result(socket.protocol.close_rcvd)

        async with websockets.asyncio.server.serve(echo, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await echo_client(f"ws://127.0.0.1:{port}/")
            close = await closed
        assert_deflate(received[0])
        assert received[1:] == TEXTS
        assert close is not None and close.code == 1000

    run(exchange())


def test_tornado_server():
    async def exchange():
        received = []
        closed = asyncio.get_running_loop().create_future()

        class Echo(tornado.websocket.WebSocketHandler):
            def get_compression_options(self):
                return {}

            def open(self):
                received.append(self.request.headers.get("Sec-WebSocket-Extensions"))
                received.append(self._headers.get("Sec-WebSocket-Extensions"))

            async def on_message(self, message):
                received.append(message)
                await self.write_message(message)

            def on_close(self):
                closed.set_result(self.close_code)

        listening = tornado.netutil.bind_sockets(0, "127.0.0.1")
        server = tornado.httpserver.HTTPServer(tornado.web.Application([("/", Echo)]))
        server.add_sockets(listening)
        try:
            await echo_client(f"ws://127.0.0.1:{listening[0].getsockname()[1]}/")
            code = await closed
        finally:
            server.stop()
        # The client names client_max_window_bits in its offer (RFC 7692 §7.1.2.2).
        assert "client_max_window_bits" in received[0]
        assert_deflate(received[1])
        assert received[2:] == TEXTS
        assert code == 1000

    run(exchange())
