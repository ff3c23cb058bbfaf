"""Checks that each target imports only what stands below it (Documentation/architecture.md), and that the core is free
of I/O: no target may reach up, sideways, or to a library that is not its own."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NIO = {"NIOCore", "NIOPosix", "NIOHTTP1", "NIOConcurrencyHelpers"}
HTTP = {"HTTPTypes", "NIOHTTPTypes", "NIOHTTPTypesHTTP1", "Hummingbird", "HummingbirdCore"}
SYSTEM = {"Glibc", "Darwin", "Musl"}
ALLOWED = {
    "WebSocketCore": {"Synchronization"},
    "WebSocketCompression": {"WebSocketCore", "CZlib", "Synchronization"},
    "Channels": {"WebSocketCore", "Synchronization"},
    "RoomProtocol": {"Channels", "WebSocketCore", "Synchronization"},
    "Simulation": {"PusherProtocol", "Channels", "WebSocketCore", "Synchronization"},
    "simulate": {"Simulation"} | SYSTEM,
    "PusherProtocol": {"Channels", "WebSocketCore", "Synchronization", "Crypto"},
    "WebSocketNIO": {"WebSocketCore", "WebSocketCompression", "Synchronization"} | NIO | SYSTEM,
    "Reactor": {"WebSocketCore", "CEpoll", "Glibc", "Synchronization"},
    "LoadGenerator": {"WebSocketCore", "WebSocketNIO", "Histogram", "Synchronization"} | NIO | SYSTEM,
    "ParleyServer": {
        "WebSocketCore", "WebSocketCompression", "Channels", "RoomProtocol", "PusherProtocol", "WebSocketNIO", "Reactor",
        "Synchronization", "Logging", "ServiceLifecycle", "Foundation", "Yams",
    } | NIO | HTTP | SYSTEM,
    "parley": {
        "ParleyServer", "LoadGenerator", "Synchronization", "WebSocketCore", "WebSocketCompression", "RoomProtocol", "WebSocketNIO", "Reactor",
        "ArgumentParser",
        "Foundation", "Logging", "ServiceLifecycle", "UnixSignals",
    } | SYSTEM,
}
IMPORT = re.compile(r"^\s*(?:@\w+\s+)*(?:(?:public|package|internal|private|fileprivate)\s+)?import\s+(?:\w+\s+)?([\w.]+)")


def problems():
    for folder in sorted((ROOT / "Sources").iterdir()):
        if not list(folder.rglob("*.swift")):
            continue
        allowed = ALLOWED.get(folder.name)
        if allowed is None:
            yield f"Sources/{folder.name}: unknown target; give it its arrows in {pathlib.Path(__file__).name}"
            continue
        for path in sorted(folder.rglob("*.swift")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = IMPORT.match(line)
                if match and match.group(1).split(".")[0] not in allowed:
                    yield f"{path.relative_to(ROOT)}:{number}: {folder.name} may not import {match.group(1)}"


found = list(problems())
print("\n".join(found), end="\n" if found else "")
sys.exit(1 if found else 0)
