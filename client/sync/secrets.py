"""Tokens and keys: in the system's keyring where there is one, else in a file that only its owner can read."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from client.core.ports import Failure

SERVICE = "imsys"
KEYRING, FILE = "keyring", "file"

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Backend(Protocol):
    """What of ``keyring`` is used."""

    def get_password(self, service: str, username: str) -> str | None:
        """What is kept under two names."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""


class Secrets:
    """Small secrets by name.

    :param path: of the file for where there is no keyring.
    :param backend: the keyring; ``None``: that of the system, if there is one.
    :param system: whether to look for that at all.
    """

    def __init__(
        self, reactor: Any, path: Path, backend: Backend | None = None, *, system: bool = True
    ) -> None:
        self._reactor = reactor
        self._path = path
        self._backend = backend
        self._system = system

    async def place(self) -> str:
        """Where new secrets go: :data:`KEYRING` or :data:`FILE`."""
        return await self._threaded(lambda: KEYRING if self._keyring() is not None else FILE)

    async def get(self, place: str, name: str) -> str | None:
        """What is kept there. :raises Failure: the keyring does not open: nobody knows."""
        return await self._threaded(lambda: self._get(place, name))

    async def put(self, place: str, name: str, value: str) -> None:
        """Keep it there; empty: forget it. :raises Failure: it cannot be kept."""
        await self._threaded(lambda: self._put(place, name, value))

    def _get(self, place: str, name: str) -> str | None:
        if place == FILE:
            return self._read().get(name)
        try:
            return self._demanded().get_password(SERVICE, name)
        except Failure:
            raise
        except Exception as problem:  # backends raise what they like
            _log.warning("the keyring does not answer: %s", type(problem).__name__)
            raise Failure("The keyring of this system does not open; unlock it, and try again.") from None

    def _put(self, place: str, name: str, value: str) -> None:
        if place == FILE:
            self._write(
                {**self._read(), name: value}
                if value
                else {key: kept for key, kept in self._read().items() if key != name}
            )
            return
        try:
            if value:
                self._demanded().set_password(SERVICE, name, value)
            elif self._demanded().get_password(SERVICE, name) is not None:
                self._demanded().delete_password(SERVICE, name)
        except Failure:
            raise
        except Exception as problem:
            _log.warning("the keyring does not take it: %s", type(problem).__name__)
            raise Failure("The keyring of this system does not open; unlock it, and try again.") from None

    def _demanded(self) -> Backend:
        backend = self._keyring()
        if backend is None:
            raise Failure("The keyring of this system is not there, and the account's key is in it.")
        return backend

    def _keyring(self) -> Backend | None:
        if self._backend is None and self._system:
            self._system = False
            try:
                import keyring
                import keyring.backends.fail
                import keyring.backends.null

                found = keyring.get_keyring()
                if found.priority > 0 and not isinstance(
                    found, keyring.backends.fail.Keyring | keyring.backends.null.Keyring
                ):
                    self._backend = found
            except Exception as problem:
                _log.info("there is no keyring: %s", problem)
        return self._backend

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as problem:
            raise Failure(f"{self._path} cannot be read.") from problem
        return found if isinstance(found, dict) else {}

    def _write(self, secrets: dict[str, str]) -> None:
        try:
            write_private(self._path, json.dumps(secrets))
        except OSError as problem:
            raise Failure(f"{self._path} cannot be written: {problem.strerror}.") from problem

    def _threaded(self, work: Callable[[], T]) -> Deferred[T]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole; only its owner can read it. :raises OSError: it cannot be written."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with open(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
