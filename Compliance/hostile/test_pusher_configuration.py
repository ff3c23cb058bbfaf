"""What an operator writes wrong about apps stops the start (rows 151 to 153), in lines that say where and what."""

import json
import os
import re
import stat
import subprocess

import pytest

import wire

GOOD = 'apps:\n  - id: "1"\n    name: demo\n    keys:\n      - key: the-key\n        secret: the-secret-itself\n'


def parley(*arguments, **more):
    return subprocess.run(
        [wire.PARLEY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, **more)


@pytest.fixture
def refuse(tmp_path):
    """Asserts that a configuration stops the start; gives the lines that say why."""

    def start(text, name="parley.yml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        # 78: a service manager need not try again; 1: the check has found something.
        for status, *command in (78, "serve", "--port", "0", "--config", str(path)), (1, "check-config", str(path)):
            ended = parley(*command, cwd=tmp_path)
            assert ended.returncode == status, (ended.stdout, ended.stderr)
            assert "the-secret-itself" not in ended.stdout + ended.stderr
            words = ended.stderr + ended.stdout
            assert words.strip(), "a start that fails without a word"
            assert len(words) < 2000, words
        return words

    return start


def test_the_good_one_is_good(tmp_path):
    path = tmp_path / "parley.yml"
    path.write_text(GOOD)
    ended = parley("check-config", str(path))
    assert ended.returncode == 0, ended.stderr
    with wire.Server("--config", str(path)) as server:
        server.assert_alive()


@pytest.mark.parametrize("line, text, word, better", [
    (7, GOOD + "    cleint_events: true\n", "cleint_events", "client_events"),
    (1, "alowed_origins: []\n" + GOOD, "alowed_origins", None),
    (1, "alow_origin: []\n" + GOOD, "alow_origin", "allow_origin"),
    (7, GOOD + "        sekret: x\n", "sekret", "secret"),
    (8, GOOD + "    history:\n      mesages: 5\n", "mesages", "messages"),
    (8, GOOD + "    limits:\n      chanels: 5\n", "chanels", "channels"),
])
def test_an_unknown_key_is_named_with_its_line(refuse, line, text, word, better):
    """Row 153."""
    words = refuse(text)
    assert re.search(rf":{line}\b", words) and word in words, words
    assert better is None or better in words, words


@pytest.mark.parametrize("text", ["insecure: true\n" + GOOD, GOOD + "    insecure: true\n"])
def test_there_is_no_insecure_mode(refuse, text):
    """Row 151: what does not exist can not be left on."""
    assert "insecure" in refuse(text)
    ended = parley("serve", "--insecure", "--port", "0")
    assert ended.returncode != 0 and "insecure" in ended.stderr


@pytest.mark.parametrize("text, word", [
    (GOOD.replace("the-secret-itself", '""'), "secret"),
    (GOOD.replace("the-key", '""'), "key"),
    (GOOD.replace("        secret: the-secret-itself\n", ""), "secret"),
    (GOOD.replace("      - key: the-key\n        secret: the-secret-itself\n", "      []\n"), "keys"),
    (GOOD.replace("the-secret-itself", "app-secret"), "secret"),
    (GOOD.replace("      - key: the-key\n", "      - key: app-key\n").replace("the-secret-itself", "app-secret"),
     "secret"),
    (GOOD + GOOD.partition("\n")[2].replace('"1"', '"2"'), "the-key"),  # two apps with one key
    (GOOD + GOOD.partition("\n")[2].replace("the-key", "other-key"), "id"),  # two apps with one id
])
def test_secrets_that_protect_nothing_stop_the_start(refuse, text, word):
    """Row 152."""
    assert word in refuse(text)


@pytest.mark.parametrize("text, word", [
    (GOOD + "    client_events: 7\n", "client_events"),
    (GOOD + "    limits:\n      channels: 0\n", "channels"),
    (GOOD + "    limits:\n      channels: -1\n", "channels"),
    (GOOD + "    limits:\n      channels: 99999999999999999999\n", "channels"),
    (GOOD + "    limits:\n      channels: many\n", "channels"),
    (GOOD + "    history:\n      seconds: .nan\n", "seconds"),
    (GOOD + "    history:\n      seconds: -1\n", "seconds"),
    (GOOD + "    max_connections: 0\n", "max_connections"),
    ("apps: 7\n", "apps"), ("apps:\n  - 7\n", "apps"), ("port: 99999\n" + GOOD, "port"), ("[]\n", ""), ("- a\n", ""),
    ("apps: [\n", ""), ("a: &a [*a]\n", ""), (GOOD + GOOD, ""), ("\t\n", ""), (b"\xff\xfe\n", ""),
    (b"apps: \x00\n", ""),
], ids=lambda value: ascii(value)[-24:])
def test_a_wrong_value_stops_the_start(refuse, text, word):
    """Row 153, for values; and for what is no YAML."""
    assert word in refuse(text)


def test_a_bomb_of_aliases_is_refused_at_once(refuse):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    refuse("\n".join(lines) + "\n" + GOOD)


def test_a_nesting_of_100000_is_refused(refuse):
    refuse("apps: " + "[" * 100_000)


def test_a_file_that_is_not_there(tmp_path):
    ended = parley("serve", "--config", str(tmp_path / "none.yml"), "--port", "0")
    assert ended.returncode == 78 and "none.yml" in ended.stderr, ended.stderr


def test_the_first_run_makes_a_key_that_is_told_once(tmp_path):
    """Row 152: nothing is shipped, and nobody else may read it."""
    command = [wire.PARLEY, "serve", "--host", "127.0.0.1", "--port", "0"]
    texts = []
    for _ in range(2):
        process = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "http://127.0.0.1" in "".join(lines) and "secret" in "".join(lines) or len(lines) > 20:
                break
            if texts and "http://127.0.0.1" in line:
                break
        process.terminate()
        lines += process.stdout.readlines()
        process.wait(10)
        texts.append("".join(lines))
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert len(files) == 1 and stat.S_IMODE(os.stat(files[0]).st_mode) == 0o600, files
    content = files[0].read_text()
    secret = re.search(r"secret: '?\"?([0-9a-f]{32,})", content).group(1)
    key = re.search(r"key: '?\"?([0-9a-f]{16,})", content).group(1)
    assert secret in texts[0] and key in texts[0], texts[0]
    assert secret not in texts[1] and key in texts[1], texts[1]


def first_event(server, key):
    """The first thing that a client hears which names no protocol."""
    return json.loads(wire.WebSocket(server.port, f"/app/{key}").message().payload)


def test_apps_that_are_made_are_lenient_and_apps_that_are_written_strict(tmp_path):
    path = tmp_path / "apps.yml"
    created = parley("apps", "create", "--apps-file", str(path))
    assert created.returncode == 0, created.stderr
    key = re.search(r"key:\s+(\w+)", created.stdout).group(1)
    assert "dialect: lenient" in path.read_text()
    assert "lenient" in parley("apps", "list", "--apps-file", str(path)).stdout
    with wire.Server("--apps-file", str(path)) as server:
        assert first_event(server, key)["event"] == "pusher:connection_established"
    first = tmp_path / "first.yml"
    with wire.Server("--apps-file", str(first)) as server:
        key = re.search(r"key: \"?(\w+)", first.read_text()).group(1)
        assert first_event(server, key)["event"] == "pusher:connection_established"
    written = tmp_path / "written.yml"
    written.write_text(GOOD)
    with wire.Server("--config", str(written)) as server:
        assert first_event(server, "the-key")["data"]["code"] == 4008
    wire.close_all()
