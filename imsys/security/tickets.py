"""Tickets: signed, expiring grants of one file or live stream to one user, checked with shared keys.

A ticket is ``v2.<key id>.<file id>.<user>.<right>.<expiry>.<sign-in>.<mac>``: the file id, the sign-in and
the mac are base64url without padding, ``right`` is one of :class:`Right`, ``expiry`` is in Unix seconds, and
the mac is HMAC-SHA256 over everything before its dot (resources specification, "Files"). The sign-in is the
digest of the token with which the user was logged in: a ticket is valid no longer than that token (see
:mod:`imsys.redis.tokens`), which the server that receives the ticket must check. ``v1`` has none: servers
make such tickets for each other.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imsys.errors import ConfigError, Refused, Status
from imsys.protocols.identifiers import base64url, decode_id, encode_id
from imsys.security.keyring import KeyFile

_LONGEST = 300
"""Characters of a ticket, at most."""

MOST_KEYS = 2
"""Keys that are valid at the same time: the signing one, and the one before it."""


class Right(enum.Enum):
    """What a ticket allows."""

    READ = "r"
    WRITE = "w"
    PUBLISH = "p"
    """Publish a live stream; its id takes the place of the file id."""
    PLAY = "l"
    """Watch a live stream."""

    @property
    def called(self) -> str:
        """The name of such a ticket for users: those of live streams are "keys" in URLs."""
        return "key" if self in (Right.PUBLISH, Right.PLAY) else "ticket"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A verified grant."""

    file_id: bytes
    user: int
    right: Right
    expires: int
    """Unix time in seconds."""
    sign_in: str = ""
    """Digest, in hex, of the token that must be valid; empty: none."""


class TicketKeys:
    """The keys of a file, which is read again when it has changed, so that a rotation needs no restart.

    The first key signs, all of them verify; see :mod:`imsys.security.keyring`. A new first key verifies at
    once, but signs only from the next check of the file on: by then all servers, which check as often, can
    verify its signatures.
    """

    def __init__(self, path: Path) -> None:
        """Read the file. :raises ConfigError: it has no keys."""
        self._file = KeyFile(path, MOST_KEYS)
        self._keys: dict[str, bytes] = {}
        self._signer = "", b""
        self._read()

    def _read(self) -> None:
        keys = self._file.read()
        if keys is not None:
            self._keys = dict(keys)
            if self._signer in self._keys.items():
                return
        self._signer = next(iter(self._keys.items()))

    def refresh(self) -> str:
        """Read the file again if it has changed; on failure keep the keys and return the problem."""
        try:
            self._read()
        except (ConfigError, OSError) as error:
            return str(error)
        return ""

    @property
    def newest(self) -> str:
        """The id of the signing key."""
        return self.signing()[0]

    def signing(self) -> tuple[str, bytes]:
        """Return the signing key with its id."""
        return self._signer

    def opening(self, key_id: str) -> bytes | None:
        """Return the key with this id."""
        return self._keys.get(key_id)


class Tickets:
    """Makes and checks tickets.

    :param calendar: returns Unix seconds.
    :param life: seconds that a ticket is valid.
    """

    def __init__(self, keys: TicketKeys, calendar: Callable[[], float], life: float) -> None:
        self._keys = keys
        self._calendar = calendar
        self.life = life

    def issue(
        self, file_id: bytes, user: int, right: Right, life: float | None = None, *, sign_in: str = ""
    ) -> str:
        """Make a ticket.

        :param life: seconds that it is valid, if not the usual time.
        :param sign_in: digest of a token that must be valid for the ticket to be.
        """
        key_id, key = self._keys.signing()
        expires = int(self._calendar() + (self.life if life is None else life))
        grant = f"{key_id}.{encode_id(file_id)}.{user}.{right.value}.{expires}"
        text = f"v2.{grant}.{base64url(bytes.fromhex(sign_in))}" if sign_in else f"v1.{grant}"
        return f"{text}.{_mac(key, text)}"

    def check(self, text: str, file_id: bytes, right: Right) -> Ticket:
        """Verify a ticket for a file and right.

        :raises Refused: PERMISSION_DENIED (65), it is forged, has expired, or is for another file or right.
        """
        name = right.called
        ticket = self.read(text, name)
        if ticket.file_id != file_id or ticket.right is not right:
            raise Refused(Status.PERMISSION_DENIED, f"This {name} is for something else.")
        return ticket

    def read(self, text: str, name: str = "ticket") -> Ticket:
        """Verify a ticket for any file and right.

        :param name: its name for users.
        :raises Refused: PERMISSION_DENIED (65), it is forged or has expired.
        """
        match = _SHAPE.fullmatch(text) if len(text) <= _LONGEST else None
        key = self._keys.opening(match["key"]) if match is not None else None
        if match is None or key is None or not hmac.compare_digest(_mac(key, match["text"]), match["mac"]):
            raise Refused(Status.PERMISSION_DENIED, f"This is no {name} of ours.")
        sign_in = base64.urlsafe_b64decode(f"{match['sign_in']}=").hex() if match["sign_in"] else ""
        ticket = Ticket(
            decode_id(match["file"]),
            int(match["user"]),
            Right(match["right"]),
            int(match["expires"]),
            sign_in,
        )
        if ticket.expires <= self._calendar():
            raise Refused(Status.PERMISSION_DENIED, f"This {name} has expired; ask for another.")
        return ticket


_SHAPE = re.compile(
    r"(?P<text>v[12]\.(?P<key>[0-9A-Za-z]{1,16})\.(?P<file>[0-9A-Za-z_-]{22})\.(?P<user>[0-9]{1,10})\.(?P<right>[rwpl])"
    r"\.(?P<expires>[0-9]{1,12})(?:\.(?P<sign_in>[0-9A-Za-z_-]{43}))?)"
    r"\.(?P<mac>[0-9A-Za-z_-]{43})"
)


def _mac(key: bytes, text: str) -> str:
    return base64url(hmac.digest(key, text.encode(), hashlib.sha256))
