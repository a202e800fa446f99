"""The table of paths, and what each of them needs."""

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
"""Logins by token, and whatever waits for others (mails, the database), that are worked on at once."""

AHEAD = 8
"""Requests with a password that are at work beside those that are being hashed, or come next: they look the account up."""

WAITING = 2000
"""Requests that wait in each queue, but for that of passwords."""


@dataclass(frozen=True)
class Queues:
    """What does not wait for the same things does not wait for each other: none of it can keep the others from their turns."""

    tokens: Admission
    passwords: Admission
    others: Admission

    @classmethod
    def configured(cls, clock: Any, workers: int, queue: int) -> Queues:
        """For so many threads that hash passwords, and so many passwords that may wait."""
        return cls(
            Admission(clock, at_once=TOKENS, queue=WAITING),
            Admission(clock, at_once=2 * workers + AHEAD, queue=queue),
            Admission(clock, at_once=MAILS, queue=WAITING),
        )


def endpoints(gateway: Gateway, queues: Queues, health: Health) -> dict[str, Endpoint]:
    """What answers which path. What needs something that does not work is refused at once."""

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
        kind: type[msgspec.Struct], handle: Callable[..., Awaitable[Any]], terms: Callable[[Any, ClientAddress], AdmissionSlot]
    ) -> Endpoint:
        return Endpoint(kind, functools.partial(handle, gateway), terms)

    hashing = needing(queues.passwords, "database", "redis")
    return {
        "/get_verification": at(messages.CodeRequest, accounts.get_verification, needing(queues.others, "database", "redis")),
        "/post_registration": at(messages.Registration, accounts.post_registration, hashing),
        "/check_accountexists": at(messages.AccountQuestion, accounts.check_accountexists, needing(queues.others, "database", "redis")),
        "/reset_password": at(messages.PasswordReset, accounts.reset_password, hashing),
        "/trylogin_server": at(messages.LoginRequest, login.trylogin_server, of_login),
    }
