"""The table of paths."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from imsys.gateway import accounts, login, messages
from imsys.gateway.context import Gateway
from imsys.gateway.http import Endpoint


def endpoints(gateway: Gateway) -> dict[str, Endpoint]:
    """What answers which path."""

    def at(kind: type[msgspec.Struct], handle: Callable[..., Awaitable[Any]]) -> Endpoint:
        return Endpoint(kind, functools.partial(handle, gateway))

    return {
        "/get_verification": at(messages.CodeRequest, accounts.get_verification),
        "/post_registration": at(messages.Registration, accounts.post_registration),
        "/check_accountexists": at(messages.AccountQuestion, accounts.check_accountexists),
        "/reset_password": at(messages.PasswordReset, accounts.reset_password),
        "/trylogin_server": at(messages.LoginRequest, login.trylogin_server),
    }
