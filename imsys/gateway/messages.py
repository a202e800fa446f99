"""What travels in the bodies: one struct a request, one a response (docs/protocol.md, 5)."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Any body; its text shows nothing of what is in it."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Response(Body, frozen=True, kw_only=True):
    """The answer to a request that was granted."""

    error: int = 0


class CodeRequest(Body, frozen=True, kw_only=True):
    """``/get_verification``: mail me a code."""

    email: str


class CodeResponse(Response, frozen=True, kw_only=True):
    """It is on its way."""

    email: str


class Registration(Body, frozen=True, kw_only=True):
    """``/post_registration``: make me an account."""

    username: str
    password: str
    email: str
    code: str = msgspec.field(name="cpatcha")


class Registered(Response, frozen=True, kw_only=True):
    """There it is; ``uuid`` is a decimal number."""

    username: str
    email: str
    uuid: str


class AccountQuestion(Body, frozen=True, kw_only=True):
    """``/check_accountexists``: is there an account with this name and this address?"""

    username: str
    email: str


class AccountExists(Response, frozen=True, kw_only=True):
    """There is."""

    username: str
    email: str


class PasswordReset(Body, frozen=True, kw_only=True):
    """``/reset_password``: give my account this password."""

    username: str
    email: str
    password: str
    code: str = msgspec.field(name="cpatcha")


class PasswordChanged(Response, frozen=True, kw_only=True):
    """It has it, and everybody is signed out."""


class LoginRequest(Body, frozen=True, kw_only=True):
    """``/trylogin_server``: with ``username`` and ``password``, or with ``uuid`` and ``token``."""

    username: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    uuid: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    failed: list[str] | UnsetType = UNSET
    """Addresses, ``host:port``, of chat servers that I could not use just now: at most 8 are looked at."""


class ChatServer(Body, frozen=True, kw_only=True):
    """A chat server."""

    host: str
    port: str


class Resources(Body, frozen=True, kw_only=True):
    """The resources server that goes with a login; ``host`` is empty where there is none, and a closed port ``"0"``."""

    host: str
    port: str
    http_port: str


class LoginResponse(Response, frozen=True, kw_only=True):
    """Where to chat, and the token that opens it; ``port`` is a string, as the original's."""

    uuid: str
    host: str
    port: str
    token: str
    resources: Resources
    others: list[ChatServer] | UnsetType = UNSET
    """Other chat servers that take users now: where to go, with the same token, when this one breaks."""
