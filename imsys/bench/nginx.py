"""nginx beside our own server: the same file over the same TLS, from and into a folder on the same disk.

Its settings are those of Debian's package (sendfile, tcp_nopush), with one worker, and no log of requests.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imsys.bench.processes import children, free_port, started, wait_until
from imsys.bench.tasks import Grant
from imsys.errors import ConfigError

_SETTINGS = """
daemon off;
worker_processes 1;
user {user};
pid {folder}/pid;
error_log stderr;
events {{ worker_connections 768; }}
http {{
    sendfile on;
    tcp_nopush on;
    access_log off;
    types {{ }}
    default_type application/octet-stream;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    root {folder}/files;
    dav_methods PUT;
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls_port} ssl;
    }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx."""

    pid: int
    """Of its worker."""
    port: int
    tls_port: int

    def grant(self, *, tls: bool) -> Grant:
        """Return the place of its file."""
        return Grant(host="127.0.0.1", port=self.tls_port if tls else self.port, path="/measured.bin")


def found() -> str | None:
    """Find the program; it needs the WebDAV module, which Debian's has."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextlib.contextmanager
def nginx(certificates: Path, cores: Sequence[int]) -> Iterator[Nginx]:
    """One with a certificate of ours, on these cores.

    :raises ConfigError: it is not installed, or does not start.
    """
    program = found()
    if program is None:
        raise ConfigError(
            "there is no nginx on the PATH (Debian: nginx-light); --without-nginx measures without it"
        )
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="imsys-nginx-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        (folder / "files").mkdir()
        settings, port, tls_port = folder / "nginx.conf", free_port(), free_port()
        names = {
            "certificate": certificates / "server.pem",
            "key": certificates / "server.key",
            "user": pwd.getpwuid(os.getuid()).pw_name,
        }
        settings.write_text(_SETTINGS.format(folder=folder, port=port, tls_port=tls_port, **names))
        child = started(
            stack,
            [program, "-p", str(folder), "-e", "stderr", "-c", str(settings)],
            folder / "output",
            os.environ,
            cores,
        )
        wait_until(lambda: bool(list(children(child.pid))), child, folder / "output")
        yield Nginx(next(iter(children(child.pid))), port, tls_port)
