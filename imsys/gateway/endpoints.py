"""The table of paths: their handlers, queues and dependencies."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from imsys.gateway import accounts, login, messages
from imsys.gateway.admission import Admission, AdmissionSlot
from imsys.gateway.context import Gateway
from imsys.gateway.http import Endpoint
from imsys.protocols.source import ClientAddress
from imsys.server.health import Health
from imsys.util.turns import Asker

TOKENS, MAILS = 200, 200
"""Concurrent logins by token, and concurrent requests that wait for others (mail, the database)."""

AHEAD = 8
"""Additional concurrent requests with a password, which look up the account while others are being hashed."""

WAITING = 2000
"""Requests that wait in each queue, at most, except that of passwords."""


@dataclass(frozen=True)
class Queues:
    """Separate queues for requests that wait for different things, so that none delays the others."""

    tokens: Admission
    passwords: Admission
    others: Admission

    @classmethod
    def configured(cls, clock: Any, workers: int, queue: int) -> Queues:
        """Make the queues for so many hashing threads, and so many waiting passwords."""
        return cls(
            Admission(clock, at_once=TOKENS, queue=WAITING),
            Admission(clock, at_once=2 * workers + AHEAD, queue=queue),
            Admission(clock, at_once=MAILS, queue=WAITING),
        )


def endpoints(gateway: Gateway, queues: Queues, health: Health) -> dict[str, Endpoint]:
    """Build the table of paths. A request whose dependencies do not work is refused at once."""

    def needing(admission: Admission, *names: str) -> Callable[[Any, ClientAddress], AdmissionSlot]:
        def terms(request: Any, source: ClientAddress) -> AdmissionSlot:
            health.demand(*names)
            return AdmissionSlot(admission, Asker(request.email, source.limit_key))

        return terms

    def of_login(request: messages.LoginRequest, source: ClientAddress) -> AdmissionSlot:
        asker = login.asker_of(request, source)
        if login.is_by_token(request):
            return AdmissionSlot(queues.tokens, asker)
        health.demand("database", "redis")
        return AdmissionSlot(queues.passwords, asker)

    def at(
        kind: type[msgspec.Struct],
        handle: Callable[..., Awaitable[Any]],
        terms: Callable[[Any, ClientAddress], AdmissionSlot],
    ) -> Endpoint:
        return Endpoint(kind, functools.partial(handle, gateway), terms)

    hashing = needing(queues.passwords, "database", "redis")
    return {
        "/get_verification": at(
            messages.CodeRequest, accounts.get_verification, needing(queues.others, "database", "redis")
        ),
        "/post_registration": at(messages.Registration, accounts.post_registration, hashing),
        "/check_accountexists": at(
            messages.AccountQuestion,
            accounts.check_accountexists,
            needing(queues.others, "database", "redis"),
        ),
        "/reset_password": at(messages.PasswordReset, accounts.reset_password, hashing),
        "/trylogin_server": at(messages.LoginRequest, login.trylogin_server, of_login),
    }
