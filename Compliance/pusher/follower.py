"""A client at the level of the protocol that recovers, and a publisher: small, and for many at once (asyncio)."""

import asyncio
import json
import struct

import wire
from pusher_wire import CLIENT, compact

END_OF_CONNECTION = (OSError, asyncio.IncompleteReadError, EOFError)


class Connection:
    """One WebSocket connection to an app."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.phase = "connecting"

    @classmethod
    async def open(cls, port):
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def establish(self, app):
        """The opening handshake and the greeting."""
        self.writer.write(wire.upgrade_request(f"/app/{app.key}?{CLIENT}"))
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        greeting = await self.event()
        assert greeting["event"] == "pusher:connection_established", greeting
        self.socket_id = json.loads(greeting["data"])["socket_id"]
        self.phase = "established"

    def say(self, event, **members):
        self.writer.write(wire.frame(wire.TEXT, compact({"event": event, **members})))

    async def event(self):
        """The next message as an object; a `pusher:ping`, which comes to one that was told nothing for long, is answered."""
        while True:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                length, = struct.unpack(">H", await self.reader.readexactly(2))
            elif length == 127:
                length, = struct.unpack(">Q", await self.reader.readexactly(8))
            payload = await self.reader.readexactly(length)
            if first == 0x80 | wire.TEXT:
                message = json.loads(payload)
                if message["event"] != "pusher:ping":
                    return message
                self.say("pusher:pong", data={})
                continue
            if first == 0x80 | wire.CLOSE:
                raise EOFError(f"closed with {payload!r}")
            assert first == 0x80 | wire.PING, (first, payload)
            self.writer.write(wire.frame(wire.PONG, payload))

    def close(self):
        self.writer.close()


class Publisher:
    """Publishes over HTTP connections that are kept, one for each that is under way at the same time."""

    def __init__(self, port, app):
        self.port, self.app = port, app
        self.idle = []

    async def publish(self, channels, event, data, *fields, **more):
        """Gives the status and the body of the answer."""
        body = compact({"name": event, "channels": channels, "data": data, **more}).encode()
        return await self.send("POST", "/events", body, (), *fields)

    async def history(self, channel, **parameters):
        status, body = await self.send("GET", f"/channels/{channel}/history", b"", parameters)
        assert status == 200, body
        return json.loads(body)

    async def send(self, method, path, body=b"", parameters=(), *fields):
        target = f"/apps/{self.app.id}{path}"
        if body:
            fields += ("Content-Type: application/json", f"Content-Length: {len(body)}")
        target += "?" + self.app.query(method, target, body, parameters)
        return await self.exchange(wire.request(target, *fields, method=method, body=body))

    async def exchange(self, request):
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head[:-4].split(b"\r\n")[1:])
        body = await reader.readexactly(int(fields[b"content-length"]))
        if fields.get(b"connection") == b"close":
            writer.close()
        else:
            self.idle.append((reader, writer))
        return int(head.split(b" ", 2)[1]), body

    def close(self):
        for _, writer in self.idle:
            writer.close()
        self.idle.clear()
