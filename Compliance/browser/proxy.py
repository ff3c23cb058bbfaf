"""A network between a browser and the server that a test can cut: at once, at a byte, or in one direction."""

import re
import socket
import struct
import threading
import time


class Pipe:
    """One connection through the proxy."""

    def __init__(self, proxy, near, far):
        self.proxy = proxy
        self.near, self.far = near, far
        self.is_websocket = False
        self.left = None  # bytes that may still pass, in both directions together
        self.resets = False
        self.lock = threading.Lock()

    def run(self):
        first = self.near.recv(65536)
        self.is_websocket = b"upgrade: websocket" in first.lower()
        if self.proxy.drops_upgrade:
            first = re.sub(rb"\r\n(?:Upgrade|Connection): [^\r]*", b"", first)
        if self.is_websocket:
            self.proxy.begins(self)
        if first and self.carry(first, self.far, "up"):
            threading.Thread(target=self.pump, args=(self.far, self.near, "down"), daemon=True).start()
            self.pump(self.near, self.far, "up")
        self.close()

    def pump(self, source, target, direction):
        pieces = 0
        try:
            while data := source.recv(65536):
                pieces += 1
                if direction == "down" and self.is_websocket and pieces == 2:
                    time.sleep(self.proxy.holds)
                if not self.carry(data, target, direction):
                    break
        except OSError:
            pass
        self.close()

    def carry(self, data, target, direction):
        """Pass on what may pass; whether the connection is still there."""
        with self.lock:
            if direction in self.proxy.swallowed:
                return True
            whole = self.left is None or len(data) <= self.left
            if self.left is not None:
                data = data[: self.left]
                self.left -= len(data)
        try:
            target.sendall(data)
        except OSError:
            return False
        return whole

    def cut_after(self, count, resets):
        with self.lock:
            self.left, self.resets = count, resets
        if count == 0:
            self.close()

    def close(self):
        for end in (self.near, self.far):
            try:
                if self.resets:
                    # Without a farewell: what is under way in the kernel is dropped.
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # A close alone would not wake the thread that reads, and the connection would live as long as it does.
                end.shutdown(socket.SHUT_RD if self.resets else socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        self.proxy.ends(self)


class Proxy:
    """Carries connections from a port of its own to the server's."""

    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.swallowed = set()
        self.is_closed = False
        self.holds = 0  # seconds that the first message of a WebSocket takes, as a long one does over a slow line
        self.drops_upgrade = False  # as a proxy does that nobody has told of WebSockets
        self.pipes = set()
        self.plan = []
        self.cuts = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def page(self):
        return f"http://127.0.0.1:{self.port}/"

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(near,), daemon=True).start()

    def serve(self, near):
        if self.is_closed:
            return near.close()
        try:
            far = socket.create_connection(self.target, 5)
        except OSError:
            return near.close()
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        far.settimeout(None)
        try:
            Pipe(self, near, far).run()
        except OSError:
            near.close()
            far.close()

    def begins(self, pipe):
        with self.lock:
            self.pipes.add(pipe)
            step = self.plan.pop(0) if self.plan else None
        if step:
            pipe.cut_after(*step)

    def ends(self, pipe):
        with self.lock:
            if pipe not in self.pipes:
                return
            self.pipes.discard(pipe)
            self.cuts += 1

    # What a test does with it

    def cut(self, steps=((0, True),)):
        """Cut the WebSocket that is there after so many bytes, and those that follow it likewise."""
        with self.lock:
            first, *self.plan = steps
            pipes = list(self.pipes)
        for pipe in pipes:
            pipe.cut_after(*first)

    def hang_up(self):
        """Cut what is there, and let nobody in until `open`."""
        self.is_closed = True
        self.cut()

    def open(self):
        self.is_closed = False
        self.swallowed = set()

    def swallow(self, direction):
        """Let nothing pass any more that goes "up" to the server or "down" from it; the connection stays."""
        self.swallowed = {direction}

    def stop(self):
        # A close alone leaves the accept waiting.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()
