"""nginx with the RTMP module beside our own server: one worker, no recording, no log of connections.

Else as it comes.
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

from imsys.bench.nginx import found
from imsys.bench.processes import children, free_port, started, wait_until
from imsys.bench.tasks import Stream
from imsys.errors import ConfigError

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
"""Where Debian's libnginx-mod-rtmp puts it."""

_SETTINGS = """
daemon off;
worker_processes 1;
worker_rlimit_nofile 60000;
user {user};
pid {folder}/pid;
error_log stderr;
load_module {module};
events {{ worker_connections 30000; }}
rtmp {{
    access_log off;
    chunk_size {chunk_size};
    server {{
        listen 127.0.0.1:{port};
        application live {{ live on; record off; }}
    }}
}}
"""


@dataclass(frozen=True)
class NginxRtmp:
    """A running nginx with the RTMP module."""

    pid: int
    """Of its worker."""
    port: int

    def stream(self, name: str) -> Stream:
        """Return a stream of it; there is no key."""
        return Stream(host="127.0.0.1", port=self.port, app="live", name=name)


@contextlib.contextmanager
def nginx_rtmp(cores: Sequence[int], chunk_size: int) -> Iterator[NginxRtmp]:
    """One on these cores. :raises ConfigError: it is not installed, or does not start."""
    program = found()
    if program is None or not MODULE.exists():
        raise ConfigError(
            "there is no nginx with the RTMP module (Debian: nginx-light, libnginx-mod-rtmp); --without-nginx measures without it"
        )
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="imsys-nginx-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        settings, port = folder / "nginx.conf", free_port()
        user = pwd.getpwuid(os.getuid()).pw_name
        settings.write_text(
            _SETTINGS.format(folder=folder, module=MODULE, port=port, chunk_size=chunk_size, user=user)
        )
        child = started(
            stack,
            [program, "-p", str(folder), "-e", "stderr", "-c", str(settings)],
            folder / "output",
            os.environ,
            cores,
        )
        wait_until(lambda: bool(list(children(child.pid))), child, folder / "output")
        yield NginxRtmp(next(iter(children(child.pid))), port)
