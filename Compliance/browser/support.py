"""A server process, browser sessions and the steps that the browser tests share.

The server is the binary that PARLEY_BIN names (default: .build/release/parley). PARLEY_SERVE_COMMAND replaces the
whole command `PARLEY_BIN serve`; the host and the port are appended to either.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import threading
import time
import unittest
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "Compliance" / "results"
BINARY = os.environ.get("PARLEY_BIN") or str(REPOSITORY / ".build" / "release" / "parley")
COMMAND = shlex.split(os.environ.get("PARLEY_SERVE_COMMAND") or shlex.join([BINARY, "serve"]))
WAIT = 30  # seconds: how long a condition may take on a busy machine

# Runs before the scripts of every document: what must never happen leaves a mark, and sockets can be got hold of.
WATCH = """
window.alert = window.confirm = window.prompt = () => { window.hacked = 'dialog'; };
window.sockets = [];
window.WebSocket = class extends window.WebSocket {
    constructor(...all) { super(...all); window.sockets.push(this); }
};
"""


def until(condition, what, seconds=WAIT):
    """Wait until `condition()` is true and return what it gave."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not seen within {seconds} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server process that can be stopped and started again on its port."""

    def __init__(self, *options):
        self.port = free_port()
        self.options = options
        self.process = None
        self.start()

    @property
    def page(self):
        return f"http://127.0.0.1:{self.port}/"

    @property
    def socket(self):
        return f"ws://127.0.0.1:{self.port}/"

    def start(self):
        command = [*COMMAND, "--host", "127.0.0.1", "--port", str(self.port), *self.options]
        if os.environ.get("PARLEY_CARRIER"):
            command += ["--carrier", os.environ["PARLEY_CARRIER"]]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self.listens, f"a server on port {self.port} ({shlex.join(command)})")

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the server did not end within 10 s of SIGTERM") from None


class Elsewhere:
    """A web server on another port: the pages of this folder, and an empty one at /blank."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            if self.path != "/blank":
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>blank</title><link rel=icon href=data:,>")

        def log_message(self, *_):
            pass

    def __init__(self):
        self.server = ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(self.Handler, directory=str(Path(__file__).resolve().parent))
        )
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Session:
    """One Chromium with its own profile."""

    def __init__(self, language="en-US", size=(1200, 820)):
        options = webdriver.ChromeOptions()
        for flag in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            f"--lang={language}",
            f"--window-size={size[0]},{size[1]}",
        ):
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        self.driver = webdriver.Chrome(
            options=options, service=Service(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver"))
        )
        self.driver.set_script_timeout(WAIT)
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        self.frames = []
        self.requests = []

    # What came and went on the wire

    def drain(self):
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            if event["method"] == "Network.webSocketFrameReceived":
                self.frames.append(event["params"]["response"]["payloadData"])
            elif event["method"] == "Network.requestWillBeSent":
                self.requests.append(event["params"]["request"]["url"])

    @property
    def received(self):
        """Every text frame that this browser got since the last `forget`."""
        self.drain()
        return self.frames

    @property
    def pushes(self):
        return [json.loads(frame) for frame in self.received]

    def forget(self):
        self.drain()
        self.frames.clear()
        self.requests.clear()
        self.driver.get_log("browser")

    @property
    def complaints(self):
        """What the console holds that a page without faults does not cause."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    # The document

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def texts(self, css):
        """The exact text of every element that matches: `textContent`, neither trimmed nor cut by visibility."""
        return self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", css)

    def until(self, script, what, *arguments):
        return until(lambda: self.run(script, *arguments), what)

    def until_text(self, css, text):
        return until(lambda: text in self.texts(css), f"{text!r} in {css}")

    def until_state(self, *states):
        return until(lambda: self.state in states, f"state {' or '.join(states)}")

    @property
    def state(self):
        return self.find("#state").get_attribute("data-state")

    @property
    def active(self):
        return self.run("return document.activeElement && document.activeElement.id")

    # The page of a room

    def open(self, address):
        self.driver.get(address)
        self.until("return document.querySelector('#entry').open", "the card that asks for a name")

    def join(self, address, name):
        self.open(address)
        field = self.find("#name")
        field.clear()
        field.send_keys(name, Keys.ENTER)
        self.until_state("on")
        return self

    def type(self, text):
        self.find("#text").send_keys(text)

    def say(self, text):
        """Write and send; the text is put in as a paste would, so that any character can be in it."""
        self.run(
            "const box = document.querySelector('#text'); box.focus(); box.value = arguments[0];"
            "box.dispatchEvent(new Event('input', { bubbles: true }))",
            text,
        )
        self.find("#text").send_keys(Keys.ENTER)

    def write_to(self, name):
        picker = Select(self.find("#to"))
        until(lambda: name in [option.text for option in picker.options], f"{name!r} among the addressees")
        picker.select_by_visible_text(name)

    def reload(self):
        """As its key does: whoever was in the room is in it again."""
        self.driver.refresh()
        self.until_state("on")

    @property
    def said(self):
        """The texts of the messages in the log, from top to bottom."""
        return self.texts("#log .msg .body")

    @property
    def lines(self):
        """What the log says itself, from top to bottom."""
        return self.texts("#log .line > span")

    def until_said(self, text):
        self.until_text("#log .msg .body", text)
        self.until_drawn()

    def until_drawn(self):
        """The page draws the newest rows first, so many a frame: older ones may follow those that a test waits for."""
        self.driver.execute_async_script(
            """
            const [done] = arguments;
            const rows = () => document.querySelector("#log").childElementCount;
            // A page that is hidden has no frames, and draws four times a second.
            const frame = (next) => document.hidden ? setTimeout(next, 300) : requestAnimationFrame(() => setTimeout(next));
            (function look(before, still) {
                if (still === 2) return done();
                frame(() => look(rows(), rows() === before ? still + 1 : 0));
            })(rows(), 0);
            """
        )

    def code(self):
        return self.run("return document.querySelector('#members .self').closest('li').dataset.code")

    def look(self, scheme="light", phone=False):
        """Light or dark; a desktop's window or a phone of 390 by 844."""
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        if phone:
            self.driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
            )
        else:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        # Two frames later the layout of the new size has been drawn, transitions included once they have ended.
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() =>"
            "Promise.allSettled(document.getAnimations().map((a) => a.finished)).then(() => done())))"
        )

    def shoot(self, name):
        RESULTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(RESULTS / f"room-{name}.png"))

    def quit(self):
        self.driver.quit()


class RoomCase(unittest.TestCase):
    """A server for the class; sessions are started on demand, kept for the class and emptied before each test."""

    options = ()  # of the server

    @classmethod
    def setUpClass(cls):
        cls.sessions = {}
        cls.elsewhere = Elsewhere()
        cls.server = Server(*cls.options)
        cls.addClassCleanup(cls.end)

    @classmethod
    def end(cls):
        for session in cls.sessions.values():
            session.quit()
        cls.elsewhere.stop()
        cls.server.stop()

    @classmethod
    def session(cls, key="a", language="en-US"):
        if key not in cls.sessions:
            cls.sessions[key] = Session(language)
        return cls.sessions[key]

    def setUp(self):
        for session in self.sessions.values():
            session.look()
            session.driver.get(self.server.page + "icon.svg")
            session.run("localStorage.clear(); sessionStorage.clear()")
            session.driver.get("about:blank")
            session.forget()
        # One room a test: whoever is still leaving the one before is not in this one.
        self.room = f"{self._testMethodName[:40]}"
        self.page = f"{self.server.page}?room={self.room}"
        self.socket = f"{self.server.socket}?room={self.room}"

    def tearDown(self):
        for session in self.sessions.values():
            self.assertIsNone(session.run("return window.hacked ?? null"), "something that was written was run")
            faults = [text for text in session.complaints if "Uncaught" in text or "Content Security Policy" in text]
            self.assertEqual(faults, [])

    def join(self, key, name, language="en-US"):
        return self.session(key, language).join(self.page, name)

    def stranger(self, key, name="stranger", **extras):
        """A bare socket in an empty page that speaks the room protocol: what any other client may send."""
        session = self.session(key)
        session.driver.get(self.elsewhere.address + "blank")
        session.run(
            """
            const [address, name, extras] = arguments;
            const socket = window.stranger = new WebSocket(address);
            window.heard = [];
            socket.onmessage = (event) => window.heard.push(JSON.parse(event.data));
            const fields = new URLSearchParams({ type: 'add', ming: name, ...extras });
            socket.onopen = () => socket.send(String(fields));
            """,
            self.socket,
            name,
            extras,
        )
        session.until("return window.heard.some((push) => push.type === 'madd')", "the stranger's entry")
        return session

    @staticmethod
    def utter(session, text, key="all", **extras):
        session.run(
            "const [nr, key, extras] = arguments;"
            "window.stranger.send(String(new URLSearchParams({ nr, key, ...extras })))",
            text,
            key,
            extras,
        )
