"""A page that Chromium keeps in its cache after it was left: the browser answers pings of RFC 6455 for it, so that only
what the page itself says shows whether somebody is there.
"""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))

import pusher_wire  # noqa: E402
from pusher_wire import API, App  # noqa: E402
from support import Elsewhere, Server, Session, until  # noqa: E402

APP = App("1", "frozen-key", "frozen-secret-of-the-tests", {"limits": {"activity_timeout": 2, "pong_timeout": 2}})

# By the rules of stock clients: it answers pusher:ping, and names itself. The first answer goes with its subscription.
PAGE = """
window.codes = [];
const socket = window.socket = new WebSocket(arguments[0]);
socket.onclose = ({ code }) => window.codes.push(code);
socket.onmessage = ({ data }) => {
    const { event } = JSON.parse(data);
    const say = (event, data) => socket.send(JSON.stringify({ event, data }));
    if (event === "pusher:connection_established") say("pusher:subscribe", { channel: "lobby", auth: "" });
    if (event === "pusher:ping") say("pusher:pong", {});
};
"""


class FrozenPage(unittest.TestCase):
    def setUp(self):
        self.server = Server("--config", pusher_wire.write_configuration([APP]))
        self.addCleanup(self.server.stop)
        self.elsewhere = Elsewhere()
        self.addCleanup(self.elsewhere.stop)
        self.api = API(self.server.port, APP)

    def channels(self):
        return list(json.loads(self.api.get("/channels").body)["channels"])

    def open(self, session, query):
        session.driver.get(self.elsewhere.address + "blank")
        session.driver.execute_script(PAGE, f"{self.server.socket}app/{APP.key}?{query}")
        until(lambda: self.channels() == ["lobby"], "the page is in its channel")

    def test_a_page_that_is_open_stays_and_a_frozen_one_is_gone_after_both_times(self):
        session = Session()
        self.addCleanup(session.driver.quit)
        for query in ("protocol=7&client=js&version=8.4.0", "protocol=7"):
            self.open(session, query)
            # Longer than both times: it has been asked twice, and has answered.
            session.driver.set_script_timeout(20)
            session.driver.execute_async_script("setTimeout(arguments[0], 6000)")
            self.assertEqual(self.channels(), ["lobby"])
            self.assertEqual(session.driver.execute_script("return window.codes"), [])
            session.driver.execute_cdp_cmd("Page.enable", {})
            session.driver.execute_cdp_cmd("Page.setWebLifecycleState", {"state": "frozen"})
            until(lambda: self.channels() == [], "the frozen page is gone", 15)
            session.driver.execute_cdp_cmd("Page.setWebLifecycleState", {"state": "active"})
            codes = lambda: session.driver.execute_script("return window.codes")  # noqa: E731
            until(lambda: len(codes()) == 1, "the page is told that its connection is closed", 15)
            # 1006 when the browser has not read the close frame before the server ended the connection.
            self.assertIn(codes()[0], (4201, 1006))


if __name__ == "__main__":
    unittest.main()
