"""The bodies of requests and responses, one struct each (docs/protocol.md, 5)."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Any body; its ``repr`` shows none of its values."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Response(Body, frozen=True, kw_only=True):
    """The response to a granted request."""

    error: int = 0


class CodeRequest(Body, frozen=True, kw_only=True):
    """``/get_verification``: mail a code."""

    email: str


class CodeResponse(Response, frozen=True, kw_only=True):
    """The code was mailed."""

    email: str


class Registration(Body, frozen=True, kw_only=True):
    """``/post_registration``: create an account."""

    username: str
    password: str
    email: str
    code: str = msgspec.field(name="cpatcha")


class Registered(Response, frozen=True, kw_only=True):
    """The account was created; ``uuid`` is a decimal number."""

    username: str
    email: str
    uuid: str


class AccountQuestion(Body, frozen=True, kw_only=True):
    """``/check_accountexists``: ask whether there is an account with this name and address."""

    username: str
    email: str


class AccountExists(Response, frozen=True, kw_only=True):
    """There is such an account."""

    username: str
    email: str


class PasswordReset(Body, frozen=True, kw_only=True):
    """``/reset_password``: set a new password."""

    username: str
    email: str
    password: str
    code: str = msgspec.field(name="cpatcha")


class PasswordChanged(Response, frozen=True, kw_only=True):
    """The password is set, and all sessions have ended."""


class DevicePart(Body, frozen=True, kw_only=True):
    """The device of a client: its own id of it (1 to 64 characters), its name, and what it is."""

    id: str
    name: str
    kind: str


class LoginRequest(Body, frozen=True, kw_only=True):
    """``/trylogin_server``: with ``username`` and ``password``, or with ``uuid`` and ``token``."""

    username: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    uuid: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    failed: list[str] | UnsetType = UNSET
    """Addresses, ``host:port``, of chat servers that the client could not use just now; at most 8 are
    used."""
    device: DevicePart | UnsetType = UNSET
    """Which the token is for; without it, it is of no device."""


class ChatServer(Body, frozen=True, kw_only=True):
    """The address of a chat server."""

    host: str
    port: str


class Resources(Body, frozen=True, kw_only=True):
    """The resources server for a login; ``host`` is empty if there is none, and a closed port is ``"0"``."""

    host: str
    port: str
    http_port: str


class LoginResponse(Response, frozen=True, kw_only=True):
    """The chat server and the token for it; ``port`` is a string, as in the original."""

    uuid: str
    host: str
    port: str
    token: str
    resources: Resources
    others: list[ChatServer] | UnsetType = UNSET
    """Other chat servers that accept users now: alternatives for the same token if this one fails."""
