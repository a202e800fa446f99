"""Sign in at a chat server: the last one, another known one, or the one that the gateway names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.session import LoginResponse
from imsys.sdk.attempts import Attempts
from imsys.sdk.connection import ChatConnection
from imsys.sdk.credentials import Credentials
from imsys.sdk.gateway import Gateway, Resources, ServerAddress
from imsys.sdk.opening import open_connection
from imsys.sdk.timing import Timing
from imsys.sdk.whereabouts import Whereabouts

REJECTED = frozenset({Status.LOGIN_INFO_ERROR, Status.LOGIN_UNSUCCESSFUL, Status.MYSQL_ACCOUNT_NOT_EXISTS})
"""Statuses for invalid credentials, which are refused everywhere."""


class Entered(NamedTuple):
    """A logged-in connection, and the server's answer to the login."""

    connection: ChatConnection
    card: LoginResponse


class SigningIn:
    """Signs one user in. A connection whose login failed is aborted, so that the login cannot succeed later.

    :param make: makes a connection object that is not connected yet.
    """

    def __init__(
        self,
        reactor: Any,
        gateway: Gateway,
        credentials: Credentials,
        timing: Timing,
        whereabouts: Whereabouts,
        attempts: Attempts,
        make: Callable[[], ChatConnection],
    ) -> None:
        self.resources: Resources | None = None
        """The resources server that the gateway named last."""
        self._reactor = reactor
        self._gateway = gateway
        self._credentials = credentials
        self._timing = timing
        self._whereabouts = whereabouts
        self._attempts = attempts
        self._make = make

    async def anywhere(self, failures: int) -> Entered:
        """Sign in at the last server, else at another known server, else at the one that the gateway names.

        :param failures: rounds that failed before this one, in a row.
        :raises Refused: with a status of :data:`REJECTED`, the credentials are invalid; else it may be
            temporary.
        """
        known = self._credentials
        slower = 2.0 ** min(failures, 16)
        await known.recall()
        if known.token and known.uuid:
            try:
                return await self._by_token(slower)
            except Refused as refusal:
                if refusal.status not in REJECTED or not known.password:
                    raise
        if not known.password:
            raise Refused(Status.LOGIN_UNSUCCESSFUL, "There is neither a token nor a password.")
        login = await self._gateway.login(
            known.username, known.password, failed=self._whereabouts.failures(), device=known.device
        )
        known.uuid, known.token = login.uuid, login.token
        await known.keep()
        try:
            return await self._where_told(login.place, login.others, login.resources, slower)
        except Refused as refusal:
            if refusal.status in REJECTED:  # the token is new, so this is temporary
                raise Unavailable(Status.GRPC_ERROR, "The chat server did not take the login.") from refusal
            raise

    async def elsewhere(self, ready: Callable[[], Awaitable[None]]) -> Entered:
        """Sign in at another server than the present one, whose connection stays in use until then.

        :param ready: awaited when the other server is connected, before the login ends the present session.
        :raises Refused: no other server accepts the user now.
        """
        whereabouts = self._whereabouts
        here, place = whereabouts.here, whereabouts.elsewhere()
        if place is None:
            failed = (*((here,) if here is not None else ()), *whereabouts.failures())
            login = await self._gateway.resume(
                self._credentials.uuid,
                self._credentials.token,
                failed=failed,
                device=self._credentials.device,
            )
            whereabouts.learn((login.place, *login.others))
            self.resources = login.resources
            place = login.place if login.place != here else whereabouts.elsewhere()
        if place is None:
            raise Unavailable(Status.NO_AVAILABLE_CHATTING_SERVER, "There is no other chat server now.")
        entered = await self._enter(place, 1.0, ready)
        if here is not None:
            whereabouts.failed(here)  # it asked the client to leave
        return entered

    async def _by_token(self, slower: float) -> Entered:
        known, whereabouts = self._credentials, self._whereabouts
        for where in (whereabouts.back, whereabouts.elsewhere):
            place = where()
            if place is None:
                continue
            try:
                return await self._enter(place, 1.0)
            except Refused as refusal:
                if refusal.status in REJECTED:
                    break  # ask the gateway before believing it
        login = await self._gateway.resume(
            known.uuid, known.token, failed=whereabouts.failures(), device=known.device
        )
        return await self._where_told(login.place, login.others, login.resources, slower)

    async def _where_told(
        self,
        place: ServerAddress,
        others: tuple[ServerAddress, ...],
        resources: Resources | None,
        slower: float,
    ) -> Entered:
        """Sign in at the server that the gateway names, or else at one of its alternatives."""
        self.resources = resources
        self._whereabouts.learn((place, *others))
        try:
            return await self._enter(place, slower)
        except Refused as refusal:
            other = self._whereabouts.elsewhere()
            if refusal.status in REJECTED or other is None:
                raise
        return await self._enter(other, slower)

    async def _enter(
        self, place: ServerAddress, slower: float, ready: Callable[[], Awaitable[None]] | None = None
    ) -> Entered:
        timing, gateway, known = self._timing, self._gateway, self._credentials
        connection = self._make()
        trust = gateway.trust if gateway.encrypted else None
        try:
            deadline = min(timing.deadline, timing.connect * slower)
            await open_connection(self._reactor, connection, place, trust, deadline)
            if ready is not None:
                await ready()
            card = await self._log_in(connection, min(timing.deadline, timing.login * slower))
        except BaseException as problem:
            connection.abort()
            if isinstance(problem, Refused) and problem.status not in REJECTED:
                self._whereabouts.failed(place)
            raise
        self._whereabouts.arrived(place)
        known.username = card.username
        connection.begin_heartbeats(known.uuid)
        return Entered(connection, card)

    async def _log_in(self, connection: ChatConnection, deadline: float) -> LoginResponse:
        if connection.ended_with is not None:
            raise connection.problem()
        request = self._attempts.request(
            self._credentials.uuid, self._credentials.token, self._credentials.device
        )
        try:
            card = await connection.request(request, LoginResponse, deadline)
        except Unavailable:
            raise
        except Refused:
            self._attempts.answered(request)
            raise
        self._attempts.answered(request)
        return card
