"""A TCP relay between a proxy and the server, which sees what the proxy sends over each upstream connection."""

import select
import socket
import threading


class Relay:
    """Passes bytes on in both directions, and counts the upgrades on connections that had carried requests before."""

    def __init__(self, target):
        self.target = target
        self.upgrades = 0
        self.reused = 0  # of these, on a connection with earlier requests
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.peers = {}  # socket: (the other side, requests seen so far or None on the server's side)
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self):
        self.listener.close()

    def _run(self):
        self.poller = select.poll()
        self.by_descriptor = {self.listener.fileno(): self.listener}
        self.poller.register(self.listener, select.POLLIN)
        while self.listener.fileno() >= 0:
            for descriptor, _ in self.poller.poll(500):
                one = self.by_descriptor.get(descriptor)
                if one is self.listener:
                    self._accept()
                elif one is not None:
                    self._pass_on(one)

    def _accept(self):
        try:
            near, _ = self.listener.accept()
        except OSError:
            return
        far = socket.create_connection(("127.0.0.1", self.target))
        self.connections += 1
        for one, other, side in (near, far, {"requests": 0, "tail": b""}), (far, near, None):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.peers[one] = other, side
            self.by_descriptor[one.fileno()] = one
            self.poller.register(one, select.POLLIN)

    def _pass_on(self, one):
        other, side = self.peers[one]
        try:
            data = one.recv(65536)
            if data and side is not None and side["requests"] is not None:
                self._look(side, data)
            if data:
                other.sendall(data)
        except OSError:
            data = b""
        if not data:
            for end in one, other:
                if end in self.peers:
                    self.poller.unregister(end)
                    del self.by_descriptor[end.fileno()], self.peers[end]
                    end.close()

    def _look(self, side, data):
        """Heads are short here: each comes whole, or in two pieces."""
        text = side["tail"] + data
        while (end := text.find(b"\r\n\r\n")) >= 0:
            head, text = text[:end], text[end + 4 :]
            if b" HTTP/1.1\r\n" not in head:
                continue
            if b"\r\nupgrade: websocket" in head.lower():
                self.upgrades += 1
                self.reused += side["requests"] > 0
                side["requests"] = None  # what follows are frames
                return
            side["requests"] += 1
        side["tail"] = text[-16384:]
