"""An object storage of the tests' own: moto's server in a process, which checks signatures, and a road to it
that breaks.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import sys
import threading
from dataclasses import dataclass
from typing import Any

import boto3

from imsys.config import FilesConfig
from tests.support.children import folder, free_port, spawn, until

BUCKET = "files"
_SETUP = 4  # requests that are served before keys are asked for


@dataclass(frozen=True)
class ObjectStorage:
    """One that runs."""

    port: int
    access_key: str
    secret_key: str

    def settings(self, **more: Any) -> FilesConfig:
        """What uses it."""
        given = {
            "store": "s3",
            "s3_endpoint": f"http://127.0.0.1:{self.port}",
            "s3_bucket": BUCKET,
            "s3_access_key": self.access_key,
            "s3_secret_key": self.secret_key,
        }
        return FilesConfig(**(given | more))

    def client(self) -> Any:
        """A way to look into it beside the store."""
        session = boto3.session.Session(
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key, region_name="us-east-1"
        )
        return session.client("s3", endpoint_url=f"http://127.0.0.1:{self.port}")


@functools.cache
def object_storage() -> ObjectStorage:
    """The one of this test run, with a bucket and one who may use it."""
    port, log = free_port(), folder("s3") / "log"
    environ = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(_SETUP)}
    child = spawn([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], log, environ)

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(answers, child, log, 60)
    session = boto3.session.Session(aws_access_key_id="x", aws_secret_access_key="y", region_name="us-east-1")
    iam = session.client("iam", endpoint_url=f"http://127.0.0.1:{port}")
    iam.create_user(UserName="imsys")
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    )
    iam.put_user_policy(UserName="imsys", PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName="imsys")["AccessKey"]
    session.client("s3", endpoint_url=f"http://127.0.0.1:{port}").create_bucket(Bucket=BUCKET)
    return ObjectStorage(port, key["AccessKeyId"], key["SecretAccessKey"])


class Road:
    """A port that leads to another one, and breaks."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.down: list[int] = []
        """Bytes of answers that a connection carries before it breaks, one number for each to come.

        Then all.
        """
        self.up: list[int] = []
        """The same of requests."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.breaks = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for source, target, bounds in ((near, far, self.up), (far, near, self.down)):
                    bound = bounds.pop(0) if bounds else None
                    threading.Thread(target=self._carry, args=(source, target, bound), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, bound: int | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if bound is not None:
                    data = data[:bound]
                    bound -= len(data)
                target.sendall(data)
                if bound == 0:
                    self.breaks += 1
                    break
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
