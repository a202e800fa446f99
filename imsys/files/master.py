"""The master keys, which wrap the keys of files (AES key wrap, RFC 3394)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from imsys.files.sealing import KEY_BYTES, AesGcm, Checked, Damaged, Seal
from imsys.security.keyring import Key

WRAPPED_BYTES = KEY_BYTES + 8
"""Bytes of a wrapped key."""


class Wrapped(NamedTuple):
    """A file's key under a master key; both are empty for a file that is not encrypted."""

    key_id: str
    data: bytes


class UnknownKey(Exception):
    """A file's key is wrapped under an unknown master key."""


class MasterKeys:
    """Makes, wraps and unwraps keys of files. The first master key wraps, all of them unwrap. Thread-safe."""

    def __init__(self, keys: Sequence[Key], *, encrypt: bool = True) -> None:
        """``encrypt``: whether new files are encrypted; encrypted ones stay readable in any case."""
        self._encrypt = encrypt
        self.renew(keys)

    def renew(self, keys: Sequence[Key]) -> None:
        """Use these keys from now on."""
        self._ring = dict(keys), keys[0][0] if keys and self._encrypt else ""

    @property
    def current(self) -> str:
        """The id of the wrapping key; empty: new files are not encrypted."""
        return self._ring[1]

    def new(self) -> Wrapped:
        """Make a key for a new file."""
        return self._wrap(secrets.token_bytes(KEY_BYTES)) if self.current else Wrapped("", b"")

    def seal(self, wrapped: Wrapped) -> Seal:
        """Make the seal of a file.

        :raises UnknownKey: its master key is not known.
        :raises Damaged: the wrapped key is corrupt.
        """
        return AesGcm(self._unwrap(wrapped)) if wrapped.key_id else Checked()

    def rewrap(self, wrapped: Wrapped) -> Wrapped:
        """Rewrap a key under the current master key. :raises UnknownKey: its master key is not known."""
        if not wrapped.key_id or not self.current or wrapped.key_id == self.current:
            return wrapped
        return self._wrap(self._unwrap(wrapped))

    def _wrap(self, key: bytes) -> Wrapped:
        keys, current = self._ring
        return Wrapped(current, aes_key_wrap(keys[current], key))

    def _unwrap(self, wrapped: Wrapped) -> bytes:
        master = self._ring[0].get(wrapped.key_id)
        if master is None:
            raise UnknownKey(f"the master key {wrapped.key_id} is not among those of this server")
        try:
            return aes_key_unwrap(master, wrapped.data)
        except InvalidUnwrap:
            raise Damaged(f"a key that the master key {wrapped.key_id} wrapped is not what it was") from None
