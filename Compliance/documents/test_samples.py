"""Every sample of every document, read from the document and run.

RULES says how, for each fenced block: a server with the README's own configuration listens, its port is put where the
documents say 8080, and what the sample promises has to come. NOT_RUN lists what is not run, with the reason. A block
that no rule knows fails, and so does a rule that no block needs any longer.
"""

import asyncio
import base64
import configparser
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import websockets

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Compliance" / "browser"))
from support import Elsewhere, Session, until  # noqa: E402

BINARY = Path(os.environ.get("PARLEY_BIN") or ROOT / ".build" / "release" / "parley")
BUILD = BINARY.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "Documentation").glob("*.md")),
             ROOT / "CONTRIBUTING.md", ROOT / "INVARIANTS.md"]


class Block:
    def __init__(self, path, language, text, index):
        self.document, self.language, self.text = path.name, language, text
        self.name = f"{path.name}-{index}-{language or 'text'}"

    def at(self, port):
        """As it stands there, but for the port."""
        return self.text.replace(":8080", f":{port}").replace("wsPort: 8080", f"wsPort: {port}").replace(
            "port=8080", f"port={port}").replace("PUSHER_PORT=8080", f"PUSHER_PORT={port}")


def blocks_of(path):
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", path.read_text(), re.S | re.M)
    return [Block(path, match[1], match[2], index) for index, match in enumerate(found)]


BLOCKS = [block for path in DOCUMENTS for block in blocks_of(path)]


# Servers

class Process:
    def __init__(self, *command, folder):
        self.process = subprocess.Popen(
            list(map(str, command)), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True).start()

    def until_line(self, text):
        until(lambda: any(text in line for line in list(self.lines)), f"{text!r} in {self.lines}")

    @property
    def port(self):
        """The port of the first address that it prints."""
        until(lambda: self.lines, "a line")
        return int(re.search(r"://[\d.]+:(\d+)", self.lines[0])[1])

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The port of a server with the configuration that the README shows."""
    folder = tmp_path_factory.mktemp("server")
    configuration = next(b for b in BLOCKS if b.document == "README.md" and b.language == "yaml")
    (folder / "parley.yml").write_text(configuration.text)
    process = Process(BINARY, "serve", "--config", "parley.yml", "--port", 0, folder=folder)
    process.until_line("Stop it with")
    yield process.port
    process.stop()


@pytest.fixture(scope="module")
def browser():
    session = Session()
    yield session
    session.quit()


@pytest.fixture(scope="module")
def elsewhere():
    site = Elsewhere()
    yield site
    site.stop()


@pytest.fixture
def context(request):
    return lambda name: request.getfixturevalue(name)


def run(*command, **options):
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, **options)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


# Texts

def first_start(block, context, tmp_path):
    options = ["--host", "0.0.0.0"] if "Others" in block.text else []
    process = Process(BINARY, "serve", "--port", 0, *options, folder=tmp_path)
    try:
        process.until_line("Stop it with")
        if options:  # as the README goes on: not the first start any more
            process.stop()
            process = Process(BINARY, "serve", "--port", 0, *options, folder=tmp_path)
            process.until_line("Stop it with")
    finally:
        process.stop()
    seen = "".join(process.lines).replace(f":{process.port}", ":8080")
    key, secret = credentials(tmp_path / "parley.apps.yml")
    seen = seen.replace(secret, "SECRET").replace(key, "KEY")
    # How many addresses a machine has is its own affair.
    seen = re.sub(r"(^  http://.*\n)+", "  http://192.0.2.7:8080/\n", seen, flags=re.M)
    if options and "Others" not in seen:
        pytest.skip("this machine has no address that others could open")
    assert seen == block.text


def credentials(path):
    text = path.read_text()
    return re.search(r"\bkey: *\"?(\w+)", text)[1], re.search(r"\bsecret: *\"?(\w+)", text)[1]


def accept_key(block, context, tmp_path):
    key, accept = block.text.strip().split("  →  ")
    guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    assert base64.b64encode(hashlib.sha1((key + guid).encode()).digest()).decode() == accept


def transcript(block, context, tmp_path):
    asyncio.run(replay(block.text.splitlines(), context("server")))


async def replay(lines, port):
    """Sends what stands after `>`, and compares what comes with what stands after `<`, but for codes, ids and times."""
    address = f"ws://127.0.0.1:{port}/?room=t{time.monotonic_ns()}"
    codes = {}

    def plain(text):
        text = re.sub(r'"time":"[^"]*"', '"time":"T"', text)
        text = re.sub(r'"msgid":"[^"]*"', '"msgid":"M"', text)
        text = re.sub(r'"users":\[(?!\{"code":"[^"]*","name":"[^"]*","avatar":"3"\}\]).*?\]', '"users":[…]', text)
        text = re.sub(r"\b[a-z0-9]{13}:", "E:", text)
        return re.sub(r"\b[a-z][a-z0-9]{23}\b", lambda m: codes.setdefault(m[0], "CODE"), text)

    async with websockets.connect(address) as ann:
        bob, offset = None, re.search(r"resume=(\w+):(\d+)", "\n".join(lines))
        speaker = ann
        if offset:
            # What went before: as many messages as the position says, and one more.
            await ann.send("type=add&ming=小明&resume=")
            for text in [str(i) for i in range(int(offset[2]))] + ["hi"]:
                await ann.send(f"nr={text}&key=all")
                while "pos" not in (push := json.loads(await asyncio.wait_for(ann.recv(), 10))) or "type" in push:
                    pass
                if text == "hi":
                    epoch = push["pos"].split(":")[0]
            lines = [line.replace(offset[1] + ":", epoch + ":") if line[0] == ">" else line for line in lines]
            speaker = await websockets.connect(address)
        for line in lines:
            if line.startswith("> "):
                sent = line[2:]
                if bob and (private := re.search(r"key=(?!all)\w+", sent)):
                    sent = sent.replace(private[0], f"key={bob_code}")
                await speaker.send(sent)
            elif line.startswith("< "):
                seen = await asyncio.wait_for(speaker.recv(), 10)
                assert plain(seen) == plain(line[2:])
            elif "joins" in line:
                bob = await websockets.connect(address)
                await bob.send("type=add&ming=Bob")
                bob_code = json.loads(await bob.recv())["code"]
            elif "leaves" in line:
                await bob.close()
        if offset:
            await speaker.close()


# Shell and data

def bench(block, context, tmp_path):
    echo = os.environ.get("ECHO_SERVER_BIN") or BUILD / "EchoServer"
    process = Process(echo, "--port", 0, folder=tmp_path)
    try:
        command = block.at(process.port).split("#")[0].split()
        assert command[0] == "parley"
        brief = ["--connections", 5]
        if command[2] == "connect":
            assert "5 connections opened and closed" in run(BINARY, *command[1:], *brief)
            return
        brief += ["--seconds", "0.5", "--warm-up", 0]
        assert re.search(r"echoes +[\d,]*[1-9]", run(BINARY, *command[1:], *brief))
    finally:
        process.stop()


def check_config(block, context, tmp_path):
    (tmp_path / "parley.yml").write_text(block.text)
    run(BINARY, "check-config", tmp_path / "parley.yml")


def unit(block, context, tmp_path):
    """A systemd unit: what it starts is a server, on files in other places."""
    file = configparser.ConfigParser(interpolation=None)
    file.optionxform = str
    file.read_string(block.text)
    assert block.document == "configuration.md" and file["Service"]["RestartPreventExitStatus"] == "64 78"
    program, *arguments = file["Service"]["ExecStart"].split()
    assert program.endswith("/parley")
    (tmp_path / "parley.yml").write_text("port: 0\n")
    create(next(b for b in BLOCKS if b.document == block.document and "parley apps create" in b.text), context, tmp_path)
    process = Process(BINARY, *[at_home(argument, tmp_path) for argument in arguments], folder=tmp_path)
    try:
        process.until_line("Stop it with")
        assert not any("secret" in line for line in process.lines), "the journal would have it"
    finally:
        process.stop()


def at_home(argument, folder):
    return folder / Path(argument).name if argument.startswith("/") else argument


def create(block, context, tmp_path):
    """The command that makes the first app; the lines around it change the machine."""
    command, = [line for line in block.text.splitlines() if "parley apps create" in line]
    arguments = ["apps", *command.partition("parley apps ")[2].split()]
    assert "secret:" in run(BINARY, *[at_home(argument, tmp_path) for argument in arguments])


def download(block, context, tmp_path):
    run("bash", "-euo", "pipefail", "-c", block.at(context("server")), cwd=tmp_path)
    assert (tmp_path / "parley.mjs").stat().st_size > 1000


def node_module(block, context, tmp_path):
    """In Node, with Debian's `ws` where npm would put it."""
    download(next(b for b in BLOCKS if b.document == block.document and "curl -o" in b.text), context, tmp_path)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "ws").symlink_to("/usr/share/nodejs/ws")
    port = context("server")
    (tmp_path / "sample.mjs").write_text(block.at(port))
    back_end = next(b for b in BLOCKS if b.document == "README.md" and b.language == "python").at(port)
    process = Process("node", "sample.mjs", folder=tmp_path)

    def arrives():
        run(sys.executable, "-c", back_end)
        return any("hello" in line for line in list(process.lines))

    try:
        until(arrives, "the event's data")
    finally:
        process.stop()


def curl(block, context, tmp_path):
    port = context("server")
    with Listener(port) as listener:
        script = block.at(port)
        assert json.loads(run("bash", "-euo", "pipefail", "-c", script)) is not None
        until(lambda: any('"headline"' in frame for frame in listener.frames), "the event")


def parses(block, context, tmp_path):
    text = block.text.replace("…", "")
    decoder, at, count = json.JSONDecoder(), 0, 0
    while at < len(text.rstrip()):
        _, at = decoder.raw_decode(text, at)
        at += len(text[at:]) - len(text[at:].lstrip())
        count += 1
    assert count


def subscribes(block, context, tmp_path):
    """Frames that a client sends, one a line: each is answered."""
    parses(block, context, tmp_path)
    for line in block.text.splitlines():
        with Listener(context("server"), line) as listener:
            until(lambda: any("subscription_succeeded" in frame for frame in listener.frames), f"an answer to {line}")


class Listener:
    """A subscriber of `news` in a thread of its own."""

    def __init__(self, port, message='{"event":"pusher:subscribe","data":{"channel":"news"}}'):
        self.frames, self.port, self.message = [], port, message

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.task = self.loop.create_task(self.listen())
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.task,), daemon=True)
        self.thread.start()
        until(lambda: any("subscription_" in frame for frame in self.frames), "the subscription")
        return self

    async def listen(self):
        async with websockets.connect(f"ws://127.0.0.1:{self.port}/app/KEY?protocol=7") as socket:
            await socket.send(self.message)
            try:
                async for frame in socket:
                    self.frames.append(frame)
            except asyncio.CancelledError:
                pass

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join(10)


def python_publishes(block, context, tmp_path):
    with Listener(context("server")) as listener:
        run(sys.executable, "-c", block.at(context("server")))
        until(lambda: any('"headline"' in frame for frame in listener.frames), "the event")


LARAVEL = r"""
// What Laravel makes of the two samples: `env` reads the one, and the driver's library connects by the other.
[, $ini, $config, $publisher] = $argv;
$values = parse_ini_file($ini);
function env($name, $default = null) { global $values; return $values[$name] ?? $default; }
$connections = eval('return [' . file_get_contents($config) . '];');
$connection = $connections[env('BROADCAST_CONNECTION')];
$options = $connection['options'];
if ($options['useTLS'] || $connection['driver'] !== 'pusher') exit(2);
passthru(implode(' ', array_map('escapeshellarg', [PHP_BINARY, $publisher,
    "{$options['scheme']}://{$options['host']}:{$options['port']}", $connection['app_id'], $connection['key'],
    $connection['secret'], 'POST', '/events',
    '{"name":"headline","channel":"news","data":"{\"text\":\"php\"}"}'])), $status);
exit($status);
"""


def laravel(block, context, tmp_path):
    other = {b.language: b for b in BLOCKS if b.document == block.document and b.language in ("ini", "php")}
    for language, each in other.items():
        (tmp_path / language).write_text(each.at(context("server")))
    with Listener(context("server")) as listener:
        out = run("php", "-r", LARAVEL, "--", tmp_path / "ini", tmp_path / "php",
                  ROOT / "Compliance" / "pusher" / "publish.php")
        assert out.startswith("200"), out
        until(lambda: any("php" in frame for frame in listener.frames), "the event")


# JavaScript, in Chromium

NOTE = """
window.logged = [];
const written = (value) => typeof value === 'string' ? value : JSON.stringify(value);
console.log = (...values) => window.logged.push(values.map(written).join(' '));
"""

# Stand-ins that connect by the rules of pusher-js (its options and its address) and of Echo: neither can be had from
# the package registries that the tests use. What they do not find in the options they refuse.
PUSHER_JS = """
export default class Pusher {
    constructor(key, options) {
        if (!('cluster' in options)) throw new Error('Options object must provide a cluster');
        if (!options.wsHost || options.forceTLS !== false) throw new Error('unavailable');
        if (!options.enabledTransports.includes('ws')) throw new Error('unavailable');
        this.channels = {};
        this.socket = new WebSocket(
            `ws://${options.wsHost}:${options.wsPort ?? 80}/app/${key}?protocol=7&client=js&version=8.4.0&flash=false`);
        this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    }
    receive({ event, channel, data }) {
        if (event === 'pusher:connection_established') {
            for (const name in this.channels)
                this.socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { auth: '', channel: name } }));
        }
        if (event === 'pusher_internal:subscription_succeeded') window.logged.push('subscribed');
        this.channels[channel]?.[event]?.(JSON.parse(data));
    }
    subscribe(name) {
        const handlers = this.channels[name] = {};
        return { bind: (event, handler) => { handlers[event] = handler; } };
    }
}
"""
ECHO = """
export default class Echo {
    constructor({ broadcaster, Pusher, key, ...options }) {
        if (broadcaster !== 'pusher') throw new Error(broadcaster);
        this.pusher = new Pusher(key, options);
    }
    channel(name) {
        const channel = this.pusher.subscribe(name);
        return {
            listen: (event, handler) =>
                channel.bind(event.startsWith('.') ? event.slice(1) : `App\\\\Events\\\\${event}`, handler),
        };
    }
}
"""


def open_blank(context):
    browser = context("browser")
    browser.driver.get(context("elsewhere").address + "blank")
    browser.run(NOTE)
    return browser


def module(block, context, tmp_path):
    """A module in a page of another site; an event that the README's back end publishes has to be logged."""
    browser, port = open_blank(context), context("server")
    url = lambda source: f"data:text/javascript;base64,{base64.b64encode(source.encode()).decode()}"
    text = block.at(port).replace('"pusher-js"', json.dumps(url(PUSHER_JS)))
    text = text.replace('"laravel-echo"', json.dumps(url(ECHO)))
    browser.run(
        "const script = document.createElement('script'); script.type = 'module'; script.textContent = arguments[0];"
        "window.onerror = (text) => window.logged.push(text); document.body.append(script)", text)
    back_end = next(b for b in BLOCKS if b.document == "README.md" and b.language == "python").at(port)

    def arrives():
        run(sys.executable, "-c", back_end)
        return '{"text":"hello"}' in browser.run("return logged")

    try:
        until(arrives, "the event's data on the console")
    finally:
        print(browser.run("return logged"))


def authorised(block, context, tmp_path):
    """The page and the endpoint beside it; both answers of the endpoint are needed."""
    port = context("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    page = next(b for b in BLOCKS if b.document == block.document and "userAuth" in b.text)
    endpoint = next(b for b in BLOCKS if b.document == block.document and b.language == "python")
    text = endpoint.text.replace('"127.0.0.1", 8000', f'"127.0.0.1", {place.split(":")[1]}')
    process = subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.DEVNULL)
    try:
        eventually_listens(place)
        browser = open_blank(context)
        browser.run(
            "const script = document.createElement('script'); script.type = 'module'; script.textContent = arguments[0];"
            "window.onerror = (text) => window.logged.push(text); document.body.append(script)",
            page.at(port).replace("127.0.0.1:8000", place) + "\n"
            "parley.user.on('parley:subscribed', () => console.log('signed in', parley.user.id));")
        for wanted in "members 1", "signed in 7":
            until(lambda: wanted in browser.run("return logged.map((line) => String(line).replaceAll(',', ' '))"), wanted)
    finally:
        process.kill()
        process.wait()


def eventually_listens(place):
    def listens():
        host, port = place.split(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    until(listens, f"a listener at {place}")


def room_join(block, context, tmp_path):
    """The README's page, joined to its two ways of saying something."""
    both = [b for b in BLOCKS if b.document == block.document and b.language == "js" and "room" in b.text
            and "import" not in b.text]
    assert len(both) == 2
    browser, port = open_blank(context), context("server")
    evaluate(browser, both[0].at(port))
    browser.until("return logged.some((line) => line.includes('madd'))", "the entry")
    asyncio.run(with_member(browser, port, both[1].text))


async def with_member(browser, port, say):
    async with websockets.connect(f"ws://127.0.0.1:{port}/") as other:
        await other.send("type=add&ming=Bob")
        code = json.loads(await other.recv())["code"]
        evaluate(browser, f"const code = {json.dumps(code)};\n{say}")
        wanted = re.findall(r'encodeURIComponent\("(.*?)"\)', say)
        heard = []
        while len(heard) < len(wanted):
            push = json.loads(await asyncio.wait_for(other.recv(), 10))
            if "nrong" in push and "type" not in push:
                heard.append((push["nrong"], push["code1"]))
        assert heard == list(zip(wanted, ["all", code]))


def evaluate(browser, text):
    """As its reader does who pastes it into the console."""
    result = browser.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": text, "replMode": True})
    assert "exceptionDetails" not in result, result


def console(block, context, tmp_path):
    """The walk-through's steps, in the console of the server's own page, as it says."""
    browser, port = context("browser"), context("server")
    browser.open(f"http://127.0.0.1:{port}/")
    browser.run(NOTE)
    for step in [b for b in BLOCKS if b.document == block.document and b.language == "js"]:
        evaluate(browser, step.at(port))
        browser.until("return logged.length && socket.readyState === 1", "an answer")
    browser.until("return logged.some((line) => line.includes('\"nrong\":\"hello\"'))", "what was said")


def raw_socket(block, context, tmp_path):
    browser, port = open_blank(context), context("server")
    evaluate(browser, block.at(port))
    browser.until("return logged.some((line) => line.includes('subscription_succeeded'))", "the subscription")


# Swift

def swift_flags():
    """What the compiler needs to find the modules of the build."""
    maps = [*BUILD.glob("*.build/module.modulemap"), *(ROOT / "Sources").glob("*/module.modulemap")]
    checkouts = ROOT / ".build" / "checkouts"
    for package in ("swift-nio", "swift-atomics", "swift-system"):
        maps += checkouts.glob(f"{package}/Sources/*/include/module.modulemap")
    unique = {path.read_text(): path for path in maps if "Tests" not in path.parent.name}
    return ["-swift-version", "6", "-I", BUILD / "Modules",
            *[flag for path in unique.values() for flag in ("-Xcc", f"-fmodule-map-file={path}")]]


def typecheck(tmp_path, text, *options):
    source = tmp_path / "Sample.swift"
    source.write_text(text)
    run("swiftc", "-typecheck", *options, *swift_flags(), source)


def program(block, context, tmp_path):
    """A whole program. What it does is what EchoServer and EchoClient do, which other tests run."""
    typecheck(tmp_path, block.text, "-parse-as-library")


def manifest(block, context, tmp_path):
    """The part of a package's manifest: SwiftPM reads it."""
    package = tmp_path / "sample"
    package.mkdir()
    (package / "Package.swift").write_text(
        f'// swift-tools-version: 6.2\nimport PackageDescription\n'
        f'let package = Package(name: "sample",\n{block.text})\n')
    described = json.loads(run("swift", "package", "--package-path", package, "dump-package"))
    products = [d["product"][0] for target in described["targets"] for d in target["dependencies"]]
    own = (ROOT / "Package.swift").read_text()
    assert products and all(f'.library(name: "{name}"' in own for name in products), products


# What the fragments of embedding.md take for granted.
PRELUDE = """
import WebSocketCompression
import WebSocketCore
import WebSocketNIO
final class Echo: WebSocketSession {}
"""
FRAGMENTS = {
    "configuration.carrier =": """
import Reactor
func sample(_ configuration: inout WebSocketServerConfiguration) throws {{
{0}}}""",
    "machine.next(": """
func sample(
    _ input: UnsafeRawBufferPointer, _ position: inout Int, _ output: UnsafeMutableRawPointer, _ now: MonotonicInstant
) {{
{0}_ = event
}}""",
    "await message in": "func sample() -> WebSocketRoute {{\n{0}}}",
    "": "func sample() async throws {{\n{0}}}",
}


def fragment(block, context, tmp_path):
    wrapper = next(wrapper for mark, wrapper in FRAGMENTS.items() if mark in block.text)
    typecheck(tmp_path, PRELUDE + wrapper.format(block.text))


# (documents, language, a mark of the text): how it is run. The first that fits counts.
README = ("README.md", "README.zh.md")
RULES = {
    (README, "", "Parley is ready."): first_start,
    (README, "js", "room"): room_join,
    (("pusher-protocol.md",), "js", 'from "ws"'): node_module,
    (("pusher-protocol.md",), "sh", "curl -o"): download,
    (("pusher-protocol.md",), "js", "userAuth"): authorised,
    (("pusher-protocol.md",), "python", ""): authorised,
    ((*README, "pusher-protocol.md", "clients.md"), "js", "import"): module,
    (("clients.md",), "js", "?protocol=7"): raw_socket,
    (("clients.md",), "ini", ""): laravel,
    (("clients.md",), "php", ""): laravel,
    (("tutorial-walkthrough.md",), "js", ""): console,
    (("tutorial-walkthrough.md",), "", "→"): accept_key,
    (("room-protocol.md",), "", "> type=add"): transcript,
    (README, "python", ""): python_publishes,
    (("configuration.md",), "ini", ""): unit,
    (("configuration.md",), "sh", "parley apps create"): create,
    (None, "yaml", ""): check_config,
    (README, "sh", "parley bench"): bench,
    (("http-api.md",), "sh", "curl"): curl,
    (("pusher-protocol.md",), "json", "pusher:subscribe"): subscribes,
    (None, "json", ""): parses,
    (README, "swift", ".package("): manifest,
    (README, "swift", "@main"): program,
    (("embedding.md",), "swift", ""): fragment,
}
# The same for what is not run: why.
NOT_RUN = {
    (README, "sh", "scripts/run"): "builds the server and runs all the tests, this one too",
    (README, "", "closed with 1000"): "what the two programs print together; EchoClient's tests see the same",
    (("configuration.md",), "nginx", ""): "Compliance/proxies runs it",
    (("configuration.md",), "haproxy", ""): "Compliance/proxies runs it",
    (("configuration.md",), "apache", ""): "Compliance/proxies runs it",
    (("configuration.md",), "caddy", ""): "Compliance/proxies runs it",
    (("conformance.md",), "sh", ""): "other parts of scripts/test run these",
    (("configuration.md",), "", "of app 1"): "Compliance/hostile/test_operator.py sees such lines",
    (("http-api.md",), "", "METHOD"): "the form of a text, not a text",
    (("CONTRIBUTING.md",), "", "→"): "a drawing, which scripts/lint checks",
}


def rule_for(block):
    for rules in (RULES, NOT_RUN):
        for key, value in rules.items():
            documents, language, mark = key
            if (documents is None or block.document in documents) and block.language == language and mark in block.text:
                return key, value
    return None, None


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_sample(block, context, tmp_path):
    _, how = rule_for(block)
    assert how is not None, f"a sample that no rule knows; say in {Path(__file__).name} how it is run:\n{block.text}"
    if isinstance(how, str):
        # At least what it names is there.
        for path in re.findall(r"^((?:scripts|Compliance)/\S+)", block.text, re.M) if block.language == "sh" else []:
            assert os.access(ROOT / path, os.X_OK), path
        return
    how(block, context, tmp_path)


def test_every_rule_is_needed():
    used = {rule_for(block)[0] for block in BLOCKS}
    assert set(RULES) | set(NOT_RUN) == used


def test_both_readmes_have_the_same_samples():
    """Up to what is written in them for people to read."""

    def bare(path):
        return [re.sub(r"//.*|#.*|[^\x00-\x7f]+|hello|only for you|NAME", "", b.text) for b in blocks_of(path)]

    first, second = map(bare, DOCUMENTS[:2])
    strip = lambda texts: [re.sub(r"\s+|\"\"", "", text) for text in texts]
    assert len(first) == len(second)
    for one, other in zip(strip(first), strip(second)):
        assert one == other
