"""A user's link to the servers: signed in, connected, and back again after it broke."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, gatherResults, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.registry import Message as WireMessage
from imsys.protocols.messages.registry import Request, Response
from imsys.protocols.messages.session import LoginRequest, LoginResponse, LogoutRequest, LogoutResponse
from imsys.sdk.backoff import Backoff
from imsys.sdk.connection import ChatConnection, ConnectionFactory
from imsys.sdk.gateway import Gateway, Login
from imsys.sdk.lifecycle import Actions, new_lifecycle
from imsys.sdk.model import ConnectionState, StateChange
from imsys.sdk.refusals import explain
from imsys.sdk.signals import Signal
from imsys.sdk.trust import endpoint

_REJECTED = {Status.LOGIN_INFO_ERROR, Status.LOGIN_UNSUCCESSFUL, Status.MYSQL_ACCOUNT_NOT_EXISTS}

_log = Logger()

R = TypeVar("R", bound=Response)


@dataclass(kw_only=True)
class Credentials:
    """How a user signs in: by a token while it lives, and by name and password otherwise. The link keeps the newest token here."""

    username: str = ""
    password: str = field(default="", repr=False)
    uuid: int = 0
    token: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds."""

    deadline: float = 10.0
    """For a connection, and for a request to be answered."""
    heartbeat: float = 10.0
    """Between two heartbeats."""
    patience: float = 2.0
    """That a message waits for an earlier one before the history is read."""
    mark: float = 1.0
    """Between two ``delivered`` marks of a thread."""
    first_wait: float = 0.5
    """Before the second attempt to connect, at most; the next waits double."""
    longest_wait: float = 30.0
    """Between two attempts to connect, at most."""
    steady: float = 30.0
    """That a connection must last for the waits to begin anew."""
    save: float = 1.0
    """Between two times that what was seen is saved."""


class Link:
    """One user's connection to whichever chat server the gateway names.

    :param arrive: what is to be done after each login before the link counts as online.
    :param on_push: called with each push.
    :param on_gone: called when a connection has ended or is given up.
    """

    def __init__(
        self,
        reactor: Any,
        gateway: Gateway,
        credentials: Credentials,
        timing: Timing,
        *,
        arrive: Callable[[LoginResponse], Awaitable[None]],
        on_push: Callable[[WireMessage], None],
        on_gone: Callable[[], None],
    ) -> None:
        self.state = ConnectionState.OFFLINE
        self.on_state: Signal[StateChange] = Signal()
        self.gateway = gateway
        self.credentials = credentials
        self.login: Login | None = None
        self._reactor = reactor
        self._timing = timing
        self._arrive = arrive
        self._on_push = on_push
        self._on_gone = on_gone
        self._connection: ChatConnection | None = None
        self._ending: dict[ChatConnection, Deferred[None]] = {}
        self._attempt: Deferred[None] | None = None
        self._timer: IDelayedCall | None = None
        self._backoff = Backoff(timing.first_wait, timing.longest_wait)
        self._online_since: float | None = None
        self._persistent = True
        self._first_problem: BaseException | None = None
        self._waiting: list[Deferred[None]] = []
        self._lifecycle = new_lifecycle(Actions(self._sign_in, self._schedule, self._abandon, self._announce))

    def start(self, persistent: bool) -> Deferred[None]:
        """Sign in; fires when online. Unless ``persistent``, the first attempt that fails is the last."""
        self._persistent = persistent
        if self.state is ConnectionState.ONLINE:
            return succeed(None)
        online = self._wait()
        self._lifecycle.start()
        return online

    def stop(self) -> Deferred[None]:
        """Disconnect; fires when the connections are gone."""
        self._lifecycle.stop()
        return gatherResults([self._watch(connection) for connection in self._ending]).addCallback(_nothing)

    def ready(self, deadline: float) -> Deferred[None]:
        """Fires when online; fails at once where nothing will bring that about, and after ``deadline`` seconds."""
        if self.state is ConnectionState.ONLINE:
            return succeed(None)
        if self.state is ConnectionState.OFFLINE:
            return fail(Unavailable(Status.NETWORK_ERROR, "There is no connection to the server."))
        if self.state is ConnectionState.SIGNED_OUT:
            return fail(Refused(Status.LOGIN_UNSUCCESSFUL, "This client is signed out."))
        return self._wait().addTimeout(deadline, self._reactor, _late)

    def request(self, request: Request, reply: type[R], deadline: float | None = None) -> Deferred[R]:
        """Send a request on the present connection, which may be before the link counts as online."""
        if self._connection is None:
            return fail(Unavailable(Status.NETWORK_ERROR, "There is no connection to the server."))
        return self._connection.request(request, reply, self._timing.deadline if deadline is None else deadline)

    async def log_out(self) -> None:
        """Revoke the token and disconnect."""
        await self.request(LogoutRequest(uuid=str(self.credentials.uuid), token=self.credentials.token), LogoutResponse)
        self.credentials.token = ""
        await self.stop()

    def drop(self) -> None:
        """Give the present connection up, and make a new one."""
        if self._connection is not None:
            self._connection.abort()

    # what the lifecycle does

    def _sign_in(self) -> None:
        self._timer = self._reactor.callLater(0, self._try)

    def _try(self) -> None:
        self._timer = None
        self._attempt = Deferred.fromCoroutine(self._open())
        self._attempt.addCallbacks(self._opened, self._failed)

    def _schedule(self, problem: BaseException) -> None:
        if self._online_since is not None and self._reactor.seconds() - self._online_since >= self._timing.steady:
            self._backoff.reset()
        self._online_since = None
        after = problem.retry_after if isinstance(problem, Refused) and not isinstance(problem, Unavailable) else None
        delay = self._backoff.next(after or 0.0)
        _log.info("The next attempt to connect is in {delay} s: {problem}", delay=round(delay, 1), problem=problem)
        self._timer = self._reactor.callLater(delay, self._retry)

    def _retry(self) -> None:
        self._timer = None
        self._lifecycle.retry()

    def _abandon(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._on_gone()

    def _announce(self, state: ConnectionState, problem: BaseException | None) -> None:
        self.state = state
        self.on_state.emit(StateChange(state, problem))
        if state is ConnectionState.ONLINE:
            self._online_since = self._reactor.seconds()
            self._settle(None)
        elif state is ConnectionState.WAITING and not self._persistent:
            self._first_problem = problem
            self._lifecycle.stop()  # takes effect after this transition
        elif state in (ConnectionState.OFFLINE, ConnectionState.SIGNED_OUT):
            self._settle(problem or self._first_problem or Unavailable(Status.NETWORK_ERROR, "The client was stopped."))
            self._first_problem = None

    def _settle(self, problem: BaseException | None) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if one.called:
                continue
            if problem is None:
                one.callback(None)
            else:
                one.errback(problem)

    # one attempt

    async def _open(self) -> None:
        card = await self._log_in()
        await self._arrive(card)

    def _opened(self, _: None) -> None:
        self._attempt = None
        self._persistent = True
        self._lifecycle.opened()

    def _failed(self, reason: Failure) -> None:
        if self._attempt is None:
            return  # given up
        self._attempt = None
        problem = reason.value or ConnectionDone()
        if isinstance(problem, Refused) and problem.status in _REJECTED:
            self._lifecycle.refused(problem)
        else:
            if not isinstance(problem, Refused):
                _log.debug("An attempt to connect failed: {reason}", reason=reason)
            self._lifecycle.failed(problem)

    async def _log_in(self) -> LoginResponse:
        known = self.credentials
        if known.token and known.uuid:
            try:
                return await self._enter(await self.gateway.resume(known.uuid, known.token))
            except Refused as refusal:
                if refusal.status not in _REJECTED or not known.password:
                    raise
        if not known.password:
            raise Refused(Status.LOGIN_UNSUCCESSFUL, "There is neither a token nor a password.")
        login = await self.gateway.login(known.username, known.password)
        try:
            return await self._enter(login)
        except Refused as refusal:
            if refusal.status in _REJECTED:  # the token is fresh: this passes
                raise Unavailable(Status.GRPC_ERROR, "The chat server did not take the login.") from refusal
            raise

    async def _enter(self, login: Login) -> LoginResponse:
        before, self._connection = self._connection, None
        if before is not None:
            before.close()
        trust = self.gateway.trust if self.gateway.encrypted else None
        connection = ChatConnection(self._reactor, self._pushed, self._lost, heartbeat=self._timing.heartbeat)
        where = endpoint(self._reactor, login.host, login.port, trust, self._timing.deadline)
        try:
            await where.connect(ConnectionFactory(connection))
        except Exception as problem:
            raise Unavailable(Status.NETWORK_ERROR, explain(problem)) from problem
        self._connection = connection
        self._ending[connection] = Deferred()
        request = LoginRequest(uuid=str(login.uuid), token=login.token)
        card = await connection.request(request, LoginResponse, self._timing.deadline)
        self.login = login
        self.credentials.uuid = login.uuid
        self.credentials.token = login.token
        self.credentials.username = card.username
        connection.begin_heartbeats(login.uuid)
        return card

    def _pushed(self, connection: ChatConnection, push: WireMessage) -> None:
        if connection is not self._connection:
            return
        if isinstance(push, LogoutResponse):
            text = push.message if isinstance(push.message, str) else "This account signed in somewhere else."
            self._lifecycle.refused(Refused(Status.LOGIN_FOR_MULTIPLE_TIMES, text))
        else:
            self._on_push(push)

    def _lost(self, connection: ChatConnection, reason: Failure) -> None:
        ended = self._ending.pop(connection, None)
        if connection is self._connection:
            self._connection = None
            self._lifecycle.failed(Unavailable(Status.NETWORK_ERROR, explain(reason.value or ConnectionDone())))
        if ended is not None:
            ended.callback(None)

    def _wait(self) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._waiting = [*(one for one in self._waiting if not one.called), waiting]
        return waiting

    def _watch(self, connection: ChatConnection) -> Deferred[None]:
        watching: Deferred[None] = Deferred()
        self._ending[connection].addCallback(watching.callback)
        return watching


def _late(_: object, seconds: float) -> None:
    raise Unavailable(Status.NETWORK_ERROR, f"There was no connection to the server within {seconds:g} s.")


def _nothing(_: object) -> None:
    return None
