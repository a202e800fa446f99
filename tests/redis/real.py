"""A redis-server process of the tests' own, on a private Unix socket."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from imsys.config import RedisConfig
from imsys.redis.embedded import server_binary


def binary() -> str:
    """Debian's server where it is installed, the embedded one elsewhere."""
    return shutil.which("redis-server") or server_binary()


class RealRedis:
    """Starts, kills and restarts a server, and speaks to it directly."""

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="imr-"))
        self.socket = self.folder / "s"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RealRedis:
        self._process = subprocess.Popen(
            [
                binary(),
                "--port",
                "0",
                "--unixsocket",
                str(self.socket),
                "--save",
                "",
                "--dir",
                str(self.folder),
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(2000):
            with contextlib.suppress(OSError):
                self.command("PING")
                return self
            time.sleep(0.005)
        raise RuntimeError("redis-server does not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self, signal: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *words: str) -> bytes:
        """The raw reply to one command (short ones only)."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(
                b"*%d\r\n" % len(words)
                + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words)
            )
            return connection.recv(65536)

    def config(self, **more: object) -> RedisConfig:
        values: dict[str, object] = {
            "mode": "server",
            "socket": str(self.socket),
            "prefix": "t:",
            "timeout": 2.0,
            **more,
        }
        return RedisConfig(**values)  # type: ignore[arg-type]
