"""The command line of the server: what a person does wrong gets one clear line and a non-zero exit."""

import os
import pathlib
import socket
import subprocess

import pytest

import wire

UNPRIVILEGED = int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())


def parley(*arguments, **more):
    return subprocess.run(
        [wire.PARLEY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, **more)


def test_a_port_in_use_is_one_clear_line():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ended = parley("serve", "--port", str(port))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        f"parley: port {port} is in use: stop the program that has it, or choose another with --port\n")


@pytest.mark.skipif(os.getuid() != 0 or UNPRIVILEGED <= 81, reason="needs root, to give it up, and a privileged port")
def test_a_missing_permission_is_one_clear_line():
    ended = parley("serve", "--apps", "off", "--port", "81", user=65534, group=65534, extra_groups=[])
    assert ended.returncode == 1
    assert ended.stderr == "parley: no permission to listen on port 81: choose a port from 1024 on with --port\n"


@pytest.mark.skipif(os.getuid() != 0, reason="root gives itself up for a user without processes")
# The last is one too few: four for each processor, eight, and the first.
@pytest.mark.parametrize("limit", [f"--nproc={threads}" for threads in (1, 4, 6, 4 * os.cpu_count() + 8)])
def test_too_few_threads_are_one_clear_line(limit):
    ended = subprocess.run(
        ["prlimit", limit, wire.PARLEY, "serve", "--apps", "off", "--port", "0"], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=20, user=63_999, group=63_999, extra_groups=[])
    assert ended.returncode == 71
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1 and "threads" in ended.stderr and "ulimit -u" in ended.stderr, ended.stderr


@pytest.mark.parametrize("limit", [20, 40, 100, 111])
def test_too_few_files_are_one_clear_line(limit):
    ended = subprocess.run(
        ["prlimit", f"--nofile={limit}", wire.PARLEY, "serve", "--apps", "off", "--port", "0"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 71
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1 and f"open {limit} files" in ended.stderr, ended.stderr
    assert "ulimit -n" in ended.stderr


@pytest.mark.parametrize("host, words", [("198.51.100.1", "is not an address of this machine"),
                                         ("no.such.host.invalid", "unknown")])
def test_an_address_that_can_not_be_listened_on_is_one_clear_line(host, words):
    ended = parley("serve", "--host", host, "--port", "0")
    assert ended.returncode == 1
    assert ended.stderr.startswith("parley: ") and ended.stderr.count("\n") == 1
    assert host in ended.stderr and words in ended.stderr and "--host" in ended.stderr


@pytest.mark.parametrize("arguments, words", [
    (["--port", "99999"], "a port is a number from 0 to 65535"),
    (["--max-message", "0"], "from 1024 to 16777216"),
    (["--max-message", "17000000"], "from 1024 to 16777216"),
    (["--max-pending", "5000"], "at least one message"),
    (["--max-rate", "0"], "from 1 to 1000000"),
    (["--max-members", "0"], "from 1 to 1000000"),
    (["--ping-interval", "0"], "0.1 to 86400"),
    (["--pong-timeout", "nan"], "0.1 to 86400"),
    (["--compression", "zip"], "--compression"),
    (["--room", "maybe"], "--room"),
    (["--log-level", "loud"], "--log-level"),
    (["--alow-origin", "https://example.com"], "--alow-origin"),
    (["--allow-origin", "https://example.com/path"], "--allow-origin the allowed origin 'https://example.com/path'"),
])
def test_a_bad_option_is_named_and_nothing_is_served(arguments, words):
    ended = parley("serve", *arguments)
    assert ended.returncode == 64
    assert ended.stdout == ""
    assert words in ended.stderr and ended.stderr.startswith("Error: ")


def test_the_start_says_where_to_point_the_browser():
    with wire.Server() as server:
        wire.eventually(lambda: "Parley" in server.text(), 10, server.text)
        server.expect_log(f"Open http://127.0.0.1:{server.port}/")


def test_help_teaches():
    overview = parley("serve", "--help")
    assert overview.returncode == 0
    for word in ["?room=NAME", "--host", "--allow-origin", "--max-message"]:
        assert word in overview.stdout
    assert parley("--version").stdout.startswith("parley ")
