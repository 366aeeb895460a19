"""nginx as `deploy/wfpush.conf` configures it, on ports and with a certificate of the test's own."""

import http.client
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.support.processes import free_ports

HOST = "push.example.com"
SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "wfpush.conf"
MAIN = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    log_format upstreams '$status $upstream_addr';
    access_log {folder}/access.log upstreams;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/wfpush.conf;
}}
"""


def nginx() -> str:
    """The program; where it is missing, the test is skipped outside CI."""
    found = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if found is None:
        assert not os.environ.get("CI"), "nginx is missing: apt-get install nginx-light"
        pytest.skip("nginx is missing (apt-get install nginx-light): deploy/wfpush.conf was NOT tried")
    return found


class Line(http.client.HTTPSConnection):
    """A connection over TLS, as somebody in the world would make it; the name leads to loopback here."""

    def __init__(self, proxy: "Proxy") -> None:
        super().__init__("127.0.0.1", proxy.port, timeout=60)
        self._trusted = proxy.client

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._trusted.wrap_socket(self.sock, server_hostname=HOST)

    def ask(self, path: str) -> int:
        """The status of the answer."""
        self.request("GET", path, headers={"Host": HOST})
        answer = self.getresponse()
        answer.read()
        return answer.status


class Proxy:
    """`webs`: the ports of the web processes. `at_once`: requests of one address at the same time."""

    def __init__(self, folder: Path, webs: list[int], at_once: int = 500) -> None:
        self.folder, self.webs, self.at_once = folder, webs, at_once
        self.port = free_ports(2)
        authority = trustme.CA()
        made = authority.issue_cert("push.example.com")
        made.private_key_pem.write_to_path(folder / "privkey.pem")
        made.cert_chain_pems[0].write_to_path(folder / "fullchain.pem")
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)
        self._write()

    def _write(self) -> None:
        text = SHIPPED.read_text(encoding="utf-8")
        changes = {
            "listen 443": f"listen 127.0.0.1:{self.port}",
            "listen 80": f"listen 127.0.0.1:{self.port + 1}",
            "127.0.0.1:8001": f"127.0.0.1:{self.webs[0]}",
            "127.0.0.1:8002": f"127.0.0.1:{self.webs[1]}",
            "/etc/ssl/wfpush": str(self.folder),
            "limit_conn wfpush_addresses 500": f"limit_conn wfpush_addresses {self.at_once}",
        }
        for shipped, ours in changes.items():
            assert shipped in text
            text = text.replace(shipped, ours)
        (self.folder / "wfpush.conf").write_text(text, encoding="utf-8")
        (self.folder / "nginx.conf").write_text(MAIN.format(folder=self.folder), encoding="utf-8")

    @property
    def command(self) -> list[str]:
        return [nginx(), "-e", str(self.folder / "start.log"), "-c", str(self.folder / "nginx.conf")]

    @contextmanager
    def running(self) -> Iterator[None]:
        process = subprocess.Popen(self.command)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)

    def served_by(self, web: int) -> int:
        """How many requests a web process has answered."""
        return (self.folder / "access.log").read_text().count(f" 127.0.0.1:{web}\n")
