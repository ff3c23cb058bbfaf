"""A room that is reached through a network which a test can cut, and somebody who talks there."""

import json

from proxy import Proxy
from support import RoomCase
from talker import Talker


class FarCase(RoomCase):
    options = ("--max-rate", "1000")

    def setUp(self):
        super().setUp()
        self.proxy = Proxy(self.server.port)
        self.addCleanup(self.proxy.stop)
        # The same room by way of a network that can be cut.
        self.far = f"{self.proxy.page}?room={self.room}"

    def talker(self, name="Talker"):
        talker = Talker(self.socket, name)
        self.addCleanup(talker.close)
        return talker

    def join_far(self, key, name, language="en-US"):
        session = self.session(key, language).join(self.far, name)
        # A test that cuts often must not wait for what is meant to spare a server.
        session.run("Math.random = () => 0.01")
        return session

    @staticmethod
    def push(session, **members):
        """Hand the page a push, as if the server had sent it, and wait until the page has drawn what it makes of it."""
        session.driver.execute_async_script(
            """
            const [text, done] = arguments;
            sockets.at(-1).dispatchEvent(new MessageEvent('message', { data: text }));
            // The page draws once a frame, and a page that is hidden four times a second: this comes after either.
            requestAnimationFrame(() => setTimeout(done));
            setTimeout(done, 1000);
            """,
            json.dumps(members),
        )
