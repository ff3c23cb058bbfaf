"""parley.js: its tests in Node, what it does with the running server, and its types in the TypeScript compiler.

PARLEY_BIN names the server (default: .build/release/parley), PARLEY_CARRIER another carrier.
"""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "parley_js"
BINARY = Path(os.environ.get("PARLEY_BIN") or Path(__file__).parents[2] / ".build" / "release" / "parley")
CONFIGURATION = """
apps:
  - id: "1"
    name: walk
    keys:
      - key: walk-key
        secret: walk-secret
    client_events: true
    limits: {channels: 100}
"""


def tool(name, package):
    """A command of the system, or a failure that says how to get it."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is not there. Run: apt-get install {package}")
    return path


def run_in_node(name, **environment):
    command = [tool("node", "nodejs node-ws"), "--test", str(HERE / name)]
    environment = os.environ | {"NODE_PATH": "/usr/share/nodejs"} | environment
    # A test runner that finds itself inside another one reports to that one and not to us.
    environment.pop("NODE_TEST_CONTEXT", None)
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "# fail 0" in process.stdout or "ℹ fail 0" in process.stdout, process.stdout


@pytest.fixture
def server(tmp_path):
    """The address of a server with the app that the walk expects; it has to be there at the end."""
    assert BINARY.exists(), f"{BINARY} is not there. Run: swift build -c release --product parley (or set PARLEY_BIN)"
    configuration = tmp_path / "parley.yml"
    configuration.write_text(CONFIGURATION)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(BINARY), "serve", "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--carrier", os.environ.get("PARLEY_CARRIER", "auto")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None, f"parley ended with {process.returncode}"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "parley does not listen"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        assert process.poll() is None, f"parley ended during the test with {process.returncode}"
    finally:
        process.terminate()
        process.wait(15)


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_in_node(name):
    run_in_node(name)


def test_with_the_server(server):
    run_in_node("server_walk.mjs", PARLEY_URL=server)


def test_types():
    command = [tool("tsc", "node-typescript"), "--noEmit", "--strict", "--target", "es2022", "--module", "es2022"]
    process = subprocess.run([*command, str(HERE / "types.ts")], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stdout
