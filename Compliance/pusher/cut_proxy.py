"""A TCP proxy that cuts each connection at a byte that was drawn before it began.

The bytes before the cut arrive; then both sides are told that the connection has ended, with FIN or with RST. A
connection over which that many bytes never go is cut after a time.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Cut:
    """Where a connection ends."""

    is_up: bool  # counted in what the client sends, otherwise in what it gets
    after: int  # bytes
    is_reset: bool  # RST instead of FIN
    within: float  # seconds, if the bytes do not come


class CutProxy:
    """Use it in `async with`; `port` is where clients connect to."""

    def __init__(self, port, draw):
        """`draw()` gives the cut of the next connection, or None for one that lasts."""
        self.server_port, self.draw = port, draw
        self.cuts = []  # those that have happened

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.carriers, self.writers = set(), set()
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for carrier in list(self.carriers):
            carrier.cancel()
        await asyncio.gather(*self.carriers, return_exceptions=True)

    def cut_all(self):
        """Resets all connections that are open."""
        for writer in list(self.writers):
            reset(writer)
            writer.transport.abort()

    async def _carry(self, client_reader, client_writer):
        self.carriers.add(carrier := asyncio.current_task())
        carrier.add_done_callback(self.carriers.discard)
        cut = self.draw()
        writers = [client_writer]
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
            writers.append(server_writer)
            self.writers.update(writers)
            ways = [(client_reader, server_writer, True), (server_reader, client_writer, False)]
            pumps = [
                asyncio.ensure_future(pump(reader, writer, cut.after if cut and cut.is_up == is_up else None))
                for reader, writer, is_up in ways
            ]
            try:
                # One way that has ended ends the other one as well: these are WebSocket connections.
                done, _ = await asyncio.wait(
                    pumps, return_when=asyncio.FIRST_COMPLETED, timeout=cut.within if cut else None)
            finally:
                for one in pumps:
                    one.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
            if cut and (not done or any(one.result() for one in done)):
                self.cuts.append(cut)
                if cut.is_reset:
                    for writer in writers:
                        reset(writer)
        except (OSError, asyncio.CancelledError):
            pass  # nobody waits for it: it ends with the connection, or with the proxy
        finally:
            self.writers.difference_update(writers)
            for writer in writers:
                writer.close()


async def pump(reader, writer, left):
    """Carries bytes until the way ends, or until so many have gone; True for the latter."""
    try:
        while left != 0:
            data = await reader.read(65536 if left is None else min(left, 65536))
            if not data:
                return False
            writer.write(data)
            await writer.drain()
            if left is not None:
                left -= len(data)
        return True
    except OSError:
        return False


def reset(writer):
    """Makes the end of a connection an RST."""
    if (found := writer.get_extra_info("socket")) is not None:
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
