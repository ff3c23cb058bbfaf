"""Measures a load target against the floor: processor time per message, memory per connection, absence of the loop.

    ratios.py --target BINARY --floor BINARY --generator KIND:BINARY [--runs 7] [--work NAME ...] [--carrier reactor]

Target and floor run on core 0, the generator on core 1. In each run every server has its turn (A B A B ...) with the
same work, so that what the machine does to one it does to the other, and what counts is the ratio of the two. Each turn
has a fresh process: where the memory of a process happens to lie is luck that lasts as long as the process, and so
becomes part of the spread, not of the result.

Exit status: 0 when all is within its limits, 1 when something is above or could not be measured, 2 for wrong usage.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import random
import re
import resource
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

LISTENING = re.compile(r"listening on ws://[^ ]*:(\d+) pid (\d+)")


class MeasuringFailed(Exception):
    """Something that makes the figures worthless, in words for a person."""


@dataclasses.dataclass(frozen=True)
class Work:
    """One kind of load, and the ratio to the floor that each carrier is allowed."""

    name: str
    title: str
    is_fanout: bool
    connections: int
    size: int
    in_flight: int
    limits: dict


WORKS = [
    Work("echo-64", "echo 64 B, 200 connections, 1 in flight", False, 200, 64, 1, {"reactor": 1.02}),
    Work("echo-64x16", "echo 64 B, 200 connections, 16 in flight", False, 200, 64, 16, {"reactor": 1.10}),
    Work("echo-16k", "echo 16 KiB, 50 connections", False, 50, 16_384, 1, {"reactor": 1.05}),
    Work("fanout-1000-64", "fan-out to 1,000, 64 B", True, 1_000, 64, 1, {"reactor": 1.04, "nio": 1.40}),
    Work("fanout-1000-1k", "fan-out to 1,000, 1 KiB", True, 1_000, 1_024, 1, {"reactor": 1.05}),
    Work("fanout-1000-64x16", "fan-out to 1,000, 64 B, 16 in flight", True, 1_000, 64, 16,
         {"reactor": 0.90, "nio": 0.90}),
    Work("fanout-10000-64", "fan-out to 10,000, 64 B", True, 10_000, 64, 1, {"reactor": 1.09}),
    Work("fanout-10000-1k", "fan-out to 10,000, 1 KiB", True, 10_000, 1_024, 1, {"reactor": 1.05}),
]
MEMORY, DROP = "memory", "drop"
NAMES = [work.name for work in WORKS] + [MEMORY, DROP]

# Memory: (key, title, path prefix, bytes of the one message). Limits in bytes per connection; for the large message a
# factor on top of what an idle connection takes.
MEMORY_CASES = [
    ("idle", "idle, after one message of 64 B", "", 64),
    ("member", "the same, member of a channel", "/member", 64),
    ("after-60k", "idle, after one message of 60 KB", "", 61_440),
]
MEMORY_LIMITS = {
    "reactor": {"idle": 256, "member": 400},
    "nio": {"idle": 3_072},
}
LARGE_MESSAGE_FACTOR = 1.10
MEMORY_CONNECTIONS = 19_900
DROPPED_CONNECTIONS = 10_000


class Generator:
    """A load generator, by its command line."""

    def __init__(self, spec):
        kind, _, path = spec.partition(":")
        if kind not in ("parley", "wsload") or not path:
            raise MeasuringFailed(f"--generator {spec}: it is parley:PATH or wsload:PATH")
        if not os.access(path, os.X_OK):
            raise MeasuringFailed(f"--generator {spec}: {path} is not a program")
        self.kind, self.path = kind, path

    def load(self, work, server, seconds, warm_up):
        """The command that puts `work` on `server`."""
        if self.kind == "wsload":
            options = ["-p", server.port, "-n", work.connections, "-s", work.size, "-t", seconds, "-w", warm_up,
                       "-S", server.pid]
            if work.is_fanout:
                return [self.path, "broadcast", *options, "-W", work.in_flight]
            return [self.path, "echo", *options, "-d", work.in_flight]
        options = ["--size", work.size, "--in-flight", work.in_flight, "--seconds", seconds, "--warm-up", warm_up,
                   "--server-pid", server.pid, "--json"]
        if work.is_fanout:
            return [self.path, "bench", "fanout", server.url("/sub"), "--publish-url", server.url("/pub"),
                    "--subscribers", work.connections, *options]
        return [self.path, "bench", "echo", server.url("/echo"), "--connections", work.connections, *options]

    def idle(self, server, connections, prefix="", size=None, hold=4):
        """The command that opens connections, exchanges one message on each when there is a size, and holds them."""
        if self.kind == "wsload":
            command = [self.path, "idle", "-p", server.port, "-n", connections, "-H", hold]
            if prefix:
                command += ["-U", prefix]
            return command + (["-x", "-s", size] if size else [])
        command = [self.path, "bench", "idle", server.url(prefix + "/echo"), "--connections", connections,
                   "--hold", hold, "--json"]
        return command + (["--exchange", "--size", size] if size else [])


class Server:
    """A fresh server process on core 0; ended with the `with` block."""

    def __init__(self, name, command):
        self.name = name
        self.command = command
        self.process = None
        self.port = self.pid = 0

    def __enter__(self):
        port = 0
        if any("{port}" in part for part in self.command):
            port = free_port()
        command = [part.replace("{port}", str(port)) for part in self.command]
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if port:  # somebody else's server: it says nothing that is known here
            self.port, self.pid = port, self.process.pid
            self.wait_for_port()
            return self
        line = self.process.stdout.readline()
        found = LISTENING.match(line)
        if not found:
            self.process.kill()
            raise MeasuringFailed(f"{' '.join(command)} did not start:\n{line}{self.process.stderr.read()}")
        self.port, self.pid = int(found[1]), int(found[2])
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def wait_for_port(self):
        """Returns when the port takes connections."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise MeasuringFailed(f"{self.name} does not listen on port {self.port}")

    def url(self, path):
        """The URL of a path on this server."""
        return f"ws://127.0.0.1:{self.port}{path}"

    def stats(self, query=""):
        """The counters of a load target."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats{query}", timeout=30) as answer:
            return json.load(answer)

    def anonymous_bytes(self):
        """The process's own memory: what it has written to, without files and shared libraries."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii")
        return int(re.search(r"^Anonymous:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024

    def descriptors(self):
        """How many descriptors the process has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def free_port():
    """A port of the loopback that is free, below those that outgoing connections are given."""
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            port = random.randrange(10_000, 30_000)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def on_core_1(command):
    """Starts a command on the generator's core."""
    return subprocess.Popen(
        ["taskset", "-c", "1", *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result_of(process, command):
    """The JSON that a generator has printed; its complaints become an error."""
    out, complaints = process.communicate()
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if not lines:
        raise MeasuringFailed(f"{' '.join(map(str, command))} gave no result:\n{out}{complaints}")
    result = json.loads(lines[-1])
    if process.returncode != 0 or result.get("errors") or result.get("gaps"):
        raise MeasuringFailed(f"{' '.join(map(str, command))} found errors:\n{lines[-1]}\n{complaints}")
    return result


def progress(text):
    """Says what is being done, apart from the results."""
    print(text, file=sys.stderr, flush=True)


def spread(values):
    """Median, smallest, largest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "values": values}


def verdict(value, limit):
    """What to print about a limit."""
    if limit is None:
        return ""
    return "ok" if value <= limit else "ABOVE"


class Bench:
    """The measurements, with what they need."""

    def __init__(self, options):
        self.options = options
        self.generator = Generator(options.generator)
        self.above = []
        self.results = {}

    def contenders(self, work):
        """(name, command) of all servers that do this work, the floor last."""
        yield "target", self.target()
        for rival in self.options.rival:
            name, _, command = rival.partition("=")
            command = command.replace("{mode}", "bcast" if work.is_fanout else "echo")
            yield name, shlex.split(command)
        yield "floor", [self.options.floor, "0"]

    def target(self, *more):
        """The command of the load target."""
        return [self.options.target, "--port", "0", "--carrier", self.options.carrier, "--loops", "1", *more]

    def measure_works(self, works):
        """Processor time per message, and the ratios."""
        options = self.options
        costs = {work.name: {} for work in works}
        for run in range(1, options.runs + 1):
            for work in works:
                for name, command in self.contenders(work):
                    with Server(name, command) as server:
                        load = self.generator.load(work, server, options.seconds, options.warm_up)
                        result = result_of(on_core_1(load), load)
                    cost = result.get("server_cpu_us_per_msg") or 0
                    if cost <= 0:
                        raise MeasuringFailed(f"{name}, {work.name}: no processor time was measured")
                    costs[work.name].setdefault(name, []).append(cost)
                    progress(f"run {run}/{options.runs}  {work.name:<18} {name:<8} {cost:8.3f} us a message")
        self.print_works(works, costs)

    def print_works(self, works, costs):
        """The table of ratios."""
        width = max(len(work.title) for work in works)
        print(f"\nprocessor time per message, {self.options.carrier} carrier: ratio to the floor, "
              f"{self.options.runs} interleaved runs of {self.options.seconds} s")
        print(f"{'':<{width}}  {'server':<10}{'us':>8}{'floor':>8}{'median':>8}{'min':>7}{'max':>7}{'limit':>7}")
        for work in works:
            floor = costs[work.name]["floor"]
            for name, values in costs[work.name].items():
                if name == "floor":
                    continue
                ratios = spread([value / other for value, other in zip(values, floor)])
                limit = work.limits.get(self.options.carrier) if name == "target" else None
                judged = verdict(round(ratios["median"], 2), limit)
                if judged == "ABOVE":
                    self.above.append(work.name)
                print(f"{work.title:<{width}}  {name:<10}{statistics.median(values):>8.2f}"
                      f"{statistics.median(floor):>8.2f}{ratios['median']:>8.2f}{ratios['min']:>7.2f}"
                      f"{ratios['max']:>7.2f}{limit if limit is not None else '-':>7}  {judged}")
                self.results.setdefault("ratios", {}).setdefault(work.name, {})[name] = {
                    "us_per_message": values, "floor_us_per_message": floor, "ratio": ratios, "limit": limit}

    def measure_memory(self):
        """Bytes per connection."""
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100
        connections = min(MEMORY_CONNECTIONS, most)
        medians = {}
        print(f"\nanonymous memory per connection, {connections:,} connections, "
              f"{self.options.carrier} carrier, {self.options.memory_runs} runs, bytes")
        print(f"{'':<36}{'target':>8}{'min':>7}{'max':>7}{'floor':>7}{'limit':>7}")
        for key, title, prefix, size in MEMORY_CASES:
            measured = {"target": [], "floor": []}
            for run in range(1, self.options.memory_runs + 1):
                for name, command in (("target", self.target()), ("floor", [self.options.floor, "0"])):
                    value = self.bytes_per_connection(name, command, connections, prefix, size)
                    measured[name].append(value)
                    progress(f"run {run}/{self.options.memory_runs}  {key:<18} {name:<8} {value:8.0f} B a connection")
            values = spread(measured["target"])
            medians[key] = values["median"]
            limit = MEMORY_LIMITS.get(self.options.carrier, {}).get(key)
            if key == "after-60k":
                limit = round(medians["idle"] * LARGE_MESSAGE_FACTOR)
            judged = verdict(values["median"], limit)
            if judged == "ABOVE":
                self.above.append(f"{MEMORY}: {title}")
            print(f"{title:<36}{values['median']:>8.0f}{values['min']:>7.0f}{values['max']:>7.0f}"
                  f"{statistics.median(measured['floor']):>7.0f}{limit if limit is not None else '-':>7}  {judged}",
                  flush=True)
            self.results.setdefault("memory", {})[key] = {
                "connections": connections, "bytes": values, "floor_bytes": measured["floor"], "limit": limit}

    def bytes_per_connection(self, name, command, connections, prefix, size):
        """What a server's memory has grown by, at the end of the time that the generator holds the connections."""
        with Server(name, command) as server:
            before, idle_descriptors = server.anonymous_bytes(), server.descriptors()
            load = self.generator.idle(server, connections, prefix, size)
            process = on_core_1(load)
            held = None
            while process.poll() is None:
                time.sleep(0.4)
                now = server.anonymous_bytes()
                # Asked afterwards: then all were still there when the memory was read.
                if server.descriptors() - idle_descriptors >= connections:
                    held = now
            result_of(process, load)
            if held is None:
                raise MeasuringFailed(f"{name}: {connections} connections were never open at the same time")
            return (held - before) / connections

    def measure_drop(self):
        """How long the loop is absent while it clears up after many connections."""
        absences = []
        for run in range(1, self.options.memory_runs + 1):
            with Server("target", self.target("--watch")) as server:
                load = self.generator.idle(server, DROPPED_CONNECTIONS, hold=60)
                process = on_core_1(load)
                try:
                    self.wait_until(server, process, DROPPED_CONNECTIONS)
                    time.sleep(1)
                    server.stats("?restart")
                finally:
                    process.send_signal(signal.SIGKILL)  # its connections end with it, all of them
                    process.communicate()
                self.wait_until(server, None, 0)
                time.sleep(0.2)
                absences.append(server.stats()["longest_absence_ms"])
            progress(f"run {run}/{self.options.memory_runs}  {DROP:<18} target   {absences[-1]:8.1f} ms")
        values = spread(absences)
        print(f"\nlongest absence of the loop when {DROPPED_CONNECTIONS:,} connections end at once, "
              f"{self.options.carrier} carrier, {self.options.memory_runs} runs: "
              f"median {values['median']:.1f} ms, {values['min']:.1f} to {values['max']:.1f} ms")
        self.results["drop"] = {"connections": DROPPED_CONNECTIONS, "longest_absence_ms": values}

    @staticmethod
    def wait_until(server, process, connections):
        """Returns when the target has so many connections."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if server.stats()["connections"] == connections:
                return
            if process and process.poll() is not None:
                break
            time.sleep(0.1)
        raise MeasuringFailed(f"there were never exactly {connections} connections")

    def save(self):
        """Keeps everything that was measured."""
        folder = pathlib.Path(__file__).parent / "results"
        folder.mkdir(exist_ok=True)
        path = folder / f"ratios-{self.options.carrier}-{time.strftime('%Y%m%d-%H%M%S')}.json"
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "system": platform.release()}
        path.write_text(json.dumps({
            "carrier": self.options.carrier, "generator": self.generator.kind, "runs": self.options.runs,
            "seconds": self.options.seconds, "machine": machine, **self.results}, indent=1) + "\n", encoding="utf-8")
        return path


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench ratios", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="turns of each server (default 7)")
    parser.add_argument("--memory-runs", type=int, default=3, metavar="N",
                        help="the same for memory and drop, which vary less (default 3)")
    parser.add_argument("--work", nargs="+", default=NAMES, choices=NAMES, metavar="NAME",
                        help=f"what to measure (default all): {' '.join(NAMES)}")
    parser.add_argument("--carrier", default="reactor", choices=["reactor", "nio"],
                        help="of the target (default reactor)")
    parser.add_argument("--seconds", type=int, default=3, help="measured seconds a turn (default 3)")
    parser.add_argument("--warm-up", type=int, default=1, metavar="SECONDS", help="seconds before that (default 1)")
    parser.add_argument("--generator", required=True, metavar="KIND:PATH",
                        help="parley:PATH, or wsload:PATH for any generator with the options of wsload")
    parser.add_argument("--rival", action="append", default=[], metavar="NAME=COMMAND",
                        help="one more server to measure beside the floor; {port} in the command becomes its port, "
                             "{mode} becomes echo or bcast. May be given several times")
    parser.add_argument("--target", required=True, help="the load target")
    parser.add_argument("--floor", required=True, help="the floor")
    options = parser.parse_args()
    for rival in options.rival:
        if "=" not in rival or "{port}" not in rival:
            parser.error(f"--rival {rival}: it is NAME=COMMAND, with {{port}} in the command")
    if options.runs < 1 or options.memory_runs < 1 or not 1 <= options.seconds <= 300 or options.warm_up < 0:
        parser.error("runs and seconds are numbers from 1 on, seconds at most 300")
    return options


def main():
    """Measures what was asked for."""
    options = parse()
    if (os.cpu_count() or 1) < 2:
        raise MeasuringFailed("two cores are needed: one for the server, one for the generator")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    load = os.getloadavg()[0]
    if load > 0.5:
        progress(f"warning: the machine is busy (load {load:.1f}): figures of a busy machine are worth little")
    bench = Bench(options)
    works = [work for work in WORKS if work.name in options.work]
    try:
        if works:
            bench.measure_works(works)
        if MEMORY in options.work:
            bench.measure_memory()
        if DROP in options.work:
            bench.measure_drop()
    finally:
        print(f"\nall figures: {bench.save()}")
    if bench.above:
        print(f"ABOVE the limit: {', '.join(bench.above)}", file=sys.stderr)
    return 1 if bench.above else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MeasuringFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
