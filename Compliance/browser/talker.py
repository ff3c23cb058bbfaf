"""A client of the room protocol that talks while a page is cut off, and knows what the server has kept."""

import json
from contextlib import ExitStack
from urllib.parse import urlencode

from websockets.sync.client import connect

WAIT = 30


class Talker:
    """Joins a room and says things, one after the other; each is acknowledged by its own push with its position."""

    def __init__(self, address, name="Talker"):
        self.resources = ExitStack()
        self.socket = self.resources.enter_context(connect(address, max_size=None, compression=None))
        # Offset -> text, of everything that was said to all since this one came, by whomever.
        self.kept = {}
        self.send(type="add", ming=name, resume="")
        welcome = self.read()
        assert welcome["type"] == "madd", welcome
        self.code = welcome["code"]
        answer = self.read()
        assert answer["type"] == "resume", answer
        for _ in range(answer["missed"]):
            self.read()

    def send(self, **fields):
        self.socket.send(urlencode(fields))

    def read(self):
        push = json.loads(self.socket.recv(WAIT))
        if "type" not in push and push.get("pos"):
            self.kept[int(push["pos"].split(":")[1])] = push["nrong"]
        return push

    def say(self, text):
        """Say it, and return its offset once it is kept."""
        self.send(nr=text, key="all")
        while True:
            push = self.read()
            assert push.get("type") != "error", push
            if push.get("code") == self.code and push.get("nrong") == text:
                return int(push["pos"].split(":")[1])

    def close(self):
        self.resources.close()
