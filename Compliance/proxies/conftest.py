"""nginx, HAProxy, Apache and Caddy in front of one server: each with a port and a process of its own, and with the
configuration that Documentation/configuration.md gives to copy.

Run `python -m pytest Compliance/proxies`; PARLEY_BIN names the server. The programs are Debian's (nginx-light, haproxy,
apache2, caddy); their services are not used. PARLEY_FULL=1 runs the long variants.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest

sys.path[:0] = [os.path.dirname(__file__), os.path.join(os.path.dirname(__file__), "..", "hostile")]

import pusher_wire  # noqa: E402
import wire  # noqa: E402
from relay import Relay  # noqa: E402

APP = pusher_wire.App("1", "proxy-key", "proxy-secret-of-the-tests")

# Around what an operator copies: where the test's process writes, and what a distribution's own files say.
NGINX = """
user root;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{sample}
}}
"""

HAPROXY = """
global
    maxconn 2000
    nbthread 1
{sample}
"""

APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}
Mutex pthread
User www-data
Group www-data
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
StartServers 1
ServerLimit 1
ThreadsPerChild 256
MaxRequestWorkers 256
ThreadLimit 256
{sample}
"""

CADDY = """
{{
    admin off
    auto_https off
}}
{sample}
"""

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "Documentation" / "configuration.md"
# Where the samples listen: what stands there, and the same on the test's port.
LISTENS = {
    "nginx": ("listen 80;", "listen 127.0.0.1:{port};"),
    "haproxy": ("bind :80\n", "bind 127.0.0.1:{port}\n"),
    "apache": ("<VirtualHost *:80>", "<VirtualHost *:{port}>"),
    # Without `bind` it listens on all addresses, where any connection of another test may have that port.
    "caddy": ("example.com {", "http://127.0.0.1:{port} {\n    bind 127.0.0.1"),
}


def sample(language, port, upstream):
    """The block of configuration.md that an operator copies, with the ports of the test."""
    text, = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text(), re.S | re.M)
    written, here = LISTENS[language]
    for old, new in (written, here.replace("{port}", str(port))), ("127.0.0.1:8080", f"127.0.0.1:{upstream}"):
        assert text.count(old) == 1, (language, old)
        text = text.replace(old, new)
    return text


PROXIES = {
    "nginx": ("nginx-light", NGINX, lambda program, file, folder: [program, "-p", folder, "-c", file]),
    "haproxy": ("haproxy", HAPROXY, lambda program, file, folder: [program, "-db", "-f", file]),
    "apache2": ("apache2", APACHE, lambda program, file, folder: [program, "-DFOREGROUND", "-f", file]),
    "caddy": ("caddy", CADDY, lambda program, file, folder: [program, "run", "--adapter", "caddyfile", "--config", file]),
}


class Proxy:
    """A proxy in front of a server, with a relay between them that counts."""

    def __init__(self, name, target, folder):
        self.name, self.folder = name, str(folder)
        package, text, command = PROXIES[name]
        program = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        assert program, f"{name} is not installed: the Debian package is {package}"
        self.relay = Relay(target)
        self.port = wire.free_port()
        file = pathlib.Path(folder, "configuration")
        file.write_text(text.format(
            sample=sample(package.partition("-")[0].rstrip("2"), self.port, self.relay.port), port=self.port, folder=folder,
            modules="/usr/lib/apache2/modules"))
        self.log = open(pathlib.Path(folder, "output.log"), "wb")
        environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        self.process = subprocess.Popen(
            command(program, str(file), str(folder)), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env=environment)
        try:
            wire.eventually(self._listens, 20, lambda: f"{name} does not listen: {self.text()}")
        except BaseException:
            self.stop()
            raise

    def _listens(self):
        assert self.process.poll() is None, f"{self.name} has ended: {self.text()}"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def text(self):
        logs = sorted(pathlib.Path(self.folder).glob("*.log"))
        return "\n".join(path.read_text("utf-8", "replace")[-2000:] for path in logs)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.relay.stop()
        self.log.close()


@pytest.fixture(scope="session")
def proxied(tmp_path_factory):
    """Gives the four proxies in front of a server with these options, by name; all of them run side by side."""
    running, kinds = [], {}

    def start(*options):
        if options not in kinds:
            configuration = pusher_wire.write_configuration([APP])
            server = wire.Server("--config", configuration, *options).start()
            running.append(server)
            proxies = {}
            for name in PROXIES:
                proxies[name] = Proxy(name, server.port, tmp_path_factory.mktemp(name))
                running.append(proxies[name])
            kinds[options] = server, proxies
        kinds[options][0].assert_alive()
        return kinds[options]

    yield start
    wire.close_all()
    for one in reversed(running):
        one.stop()
