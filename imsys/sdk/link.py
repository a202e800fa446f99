"""A user's link to the servers: it signs in, connects, and reconnects after a failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from weakref import WeakSet

from twisted.internet.defer import CancelledError, Deferred, fail, gatherResults, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.registry import Message as WireMessage
from imsys.protocols.messages.registry import Request, Response
from imsys.protocols.messages.session import LoginResponse, LogoutRequest, LogoutResponse, MovePush
from imsys.sdk.attempts import Attempts
from imsys.sdk.changeover import Changeover
from imsys.sdk.comeback import Comeback
from imsys.sdk.connection import ChatConnection, Disconnected, NotStarted
from imsys.sdk.credentials import Credentials
from imsys.sdk.gateway import Gateway, Resources
from imsys.sdk.lifecycle import Actions, new_lifecycle
from imsys.sdk.model import ConnectionState, StateChange
from imsys.sdk.moving import Moving
from imsys.sdk.signals import Signal
from imsys.sdk.signing_in import REJECTED, Entered, SigningIn
from imsys.sdk.timing import Timing
from imsys.sdk.whereabouts import Whereabouts
from imsys.util.backoff import Backoff
from imsys.util.events import Waiters

_MOVES_APART = 30.0
"""Seconds between two attempts to move away from a server that asked for it, at most."""

_log = Logger()

R = TypeVar("R", bound=Response)


class ConnectionManager:
    """Keeps one user connected to a chat server.

    :param reactor: one with a monotonic clock (see :func:`imsys.sdk.steady_reactor`).
    :param calendar: the time of day in Unix seconds.
    :param arrive: awaited after each login, before the link counts as online.
    :param on_moved: called when another connection has replaced the present one while the link stays online.
    :param on_push: called with each push.
    :param on_gone: called when a connection has ended or is abandoned.
    """

    def __init__(
        self,
        reactor: Any,
        calendar: Callable[[], float],
        gateway: Gateway,
        credentials: Credentials,
        timing: Timing,
        *,
        arrive: Callable[[LoginResponse], Awaitable[None]],
        on_moved: Callable[[LoginResponse], None],
        on_push: Callable[[WireMessage], None],
        on_gone: Callable[[], None],
    ) -> None:
        self.state = ConnectionState.OFFLINE
        self.on_state: Signal[StateChange] = Signal()
        self.credentials = credentials
        self._clock: IReactorTime = reactor
        self._timing = timing
        self._arrive = arrive
        self._on_moved = on_moved
        self._on_push = on_push
        self._on_gone = on_gone
        self._whereabouts = Whereabouts(reactor, timing.shun)
        self._attempts = Attempts(reactor, calendar)
        self._signing_in = SigningIn(
            reactor, gateway, credentials, timing, self._whereabouts, self._attempts, self._new_connection
        )
        self._connections: WeakSet[ChatConnection] = WeakSet()
        self._connection: ChatConnection | None = None
        self._attempt: Deferred[None] | None = None
        self._timer: IDelayedCall | None = None
        self._retry_in: float | None = None
        self._comeback = Comeback(
            Backoff(timing.first_wait, timing.longest_wait), timing.spread, timing.brief
        )
        self._moving = Moving(reactor, self._move, Backoff(timing.first_wait, _MOVES_APART))
        self._changeover = Changeover(reactor)
        self._online_since: float | None = None
        self._persistent = True
        self._first_problem: BaseException | None = None
        self._waiting: Waiters[None] = Waiters()
        self._lifecycle = new_lifecycle(Actions(self._sign_in, self._schedule, self._abandon, self._announce))

    @property
    def resources(self) -> Resources | None:
        """The resources server that the gateway named last."""
        return self._signing_in.resources

    def start(self, persistent: bool) -> Deferred[None]:
        """Sign in; fire when online. Unless ``persistent``, the first failure is final."""
        self._persistent = persistent
        if self.state is ConnectionState.ONLINE:
            return succeed(None)
        online = self._waiting.add()
        self._lifecycle.start()
        return online

    def stop(self) -> Deferred[None]:
        """Disconnect; fire when the connections are closed."""
        self._lifecycle.stop()
        return gatherResults([connection.when_gone() for connection in tuple(self._connections)]).addCallback(
            _nothing
        )

    def request(self, request: Request, reply: type[R]) -> Deferred[R]:
        """Send a request on the present connection, even before the link counts as online."""
        if self._connection is None:
            return fail(Disconnected())
        return self._connection.request(request, reply, self._timing.deadline)

    async def ask(self, request: Request, reply: type[R]) -> R:
        """Send a request when online and return its response.

        :raises Unavailable: the link is not started, or was not online or answered in time.
        :raises Refused: the client is signed out, or the server refuses.
        """
        await self._ready()
        with self._changeover.asking():
            return await self.request(request, reply)

    async def log_out(self) -> None:
        """Revoke the token and disconnect."""
        self.demand()
        await self.request(
            LogoutRequest(uuid=str(self.credentials.uuid), token=self.credentials.token), LogoutResponse
        )
        self.credentials.token = ""
        await self.credentials.keep()
        await self.stop()

    def demand(self) -> None:
        """Check that the link is online or tries to be. :raises Refused: it is not started, or signed out."""
        if self.state is ConnectionState.OFFLINE:
            raise NotStarted
        if self.state is ConnectionState.SIGNED_OUT:
            raise Refused(Status.LOGIN_UNSUCCESSFUL, "This client is signed out.")

    def drop(self) -> None:
        """Abort the present connection and make a new one, to another server if there is one."""
        if self._connection is not None:
            self._failed_here()
            self._connection.abort()

    def retry_now(self) -> None:
        """Make the next attempt at once, if one is scheduled."""
        if self.state is ConnectionState.WAITING and self._timer is not None:
            self._timer.cancel()
            self._retry()

    def _ready(self) -> Deferred[None]:
        """Fire when requests can be sent; fail at once if the link is not started, and after a deadline."""
        if self.state is ConnectionState.ONLINE and not self._changeover.holding:
            return succeed(None)
        try:
            self.demand()
        except Refused as refusal:
            return fail(refusal)
        return self._waiting.add().addTimeout(self._timing.deadline, self._clock, _late)

    # what the lifecycle does

    def _sign_in(self) -> None:
        self._timer = self._clock.callLater(0, self._try)

    def _try(self) -> None:
        self._timer = None
        self._attempt = Deferred.fromCoroutine(self._open())
        self._attempt.addCallbacks(self._opened, self._failed)

    def _schedule(self, problem: BaseException) -> None:
        since, self._online_since = self._online_since, None
        if since is not None:
            delay = self._comeback.lost(self._clock.seconds() - since)
        else:
            asked = (
                problem.retry_after
                if isinstance(problem, Refused) and not isinstance(problem, Unavailable)
                else None
            )
            delay = self._comeback.failed(asked or 0.0)
        _log.info(
            "The next attempt to connect is in {delay} s: {problem}", delay=round(delay, 1), problem=problem
        )
        self._timer = self._clock.callLater(delay, self._retry)
        self._retry_in = delay if self._persistent else None

    def _retry(self) -> None:
        self._timer = None
        self._lifecycle.retry()

    def _abandon(self) -> None:
        self._moving.end()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()  # which aborts a connection that is not logged in
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._on_gone()

    def _announce(self, state: ConnectionState, problem: BaseException | None) -> None:
        self.state = state
        if state is ConnectionState.ONLINE:
            self._online_since = self._clock.seconds()
            self._comeback.online()
        elif state in (ConnectionState.OFFLINE, ConnectionState.SIGNED_OUT):
            self._online_since = None
            self._whereabouts.forget()
        retry_in, self._retry_in = self._retry_in, None
        self.on_state.emit(StateChange(state, problem, retry_in))
        if state is ConnectionState.ONLINE:
            self._settle(None)
        elif state is ConnectionState.WAITING and not self._persistent:
            self._first_problem = problem
            self._lifecycle.stop()  # takes effect after this transition
        elif state in (ConnectionState.OFFLINE, ConnectionState.SIGNED_OUT):
            self._settle(
                problem or self._first_problem or Unavailable(Status.NETWORK_ERROR, "The client was stopped.")
            )
            self._first_problem = None

    def _settle(self, problem: BaseException | None) -> None:
        self._waiting.fire(None if problem is None else Failure(problem))

    # one attempt

    async def _open(self) -> None:
        entered = await self._signing_in.anywhere(self._comeback.failures)
        self._connection = entered.connection
        try:
            await self._arrive(entered.card)
        except Refused:
            self._failed_here()
            raise

    def _opened(self, _: None) -> None:
        self._attempt = None
        self._persistent = True
        self._lifecycle.opened()

    def _failed(self, reason: Failure) -> None:
        if self._attempt is None:
            return  # abandoned meanwhile
        self._attempt = None
        problem = reason.value or ConnectionDone()
        if isinstance(problem, Refused) and problem.status in REJECTED:
            self._lifecycle.refused(problem)
        else:
            if not isinstance(problem, Refused):
                _log.debug("An attempt to connect failed: {reason}", reason=reason)
            self._lifecycle.failed(problem)

    # to another server, while this connection goes on

    def _move(self) -> Deferred[None]:
        if self.state is not ConnectionState.ONLINE:
            return fail(Unavailable(Status.NETWORK_ERROR, "This client is not online yet."))
        moving = Deferred.fromCoroutine(self._signing_in.elsewhere(self._changeover.begin))
        return moving.addCallbacks(self._moved, self._stayed)

    def _moved(self, entered: Entered) -> None:
        self._changeover.end()
        before, self._connection = self._connection, entered.connection
        self._online_since = self._clock.seconds()
        if before is not None:
            before.retire()
        self._on_moved(entered.card)
        self._settle(None)

    def _stayed(self, reason: Failure) -> Failure:
        lost = self._changeover.end()
        if reason.check(CancelledError):
            return reason  # the connection to leave has ended
        if lost is not None:
            self._over(lost)
        else:
            self._settle(None)
        return reason

    # what connections tell

    def _new_connection(self) -> ChatConnection:
        timing = self._timing
        connection = ChatConnection(
            self._clock, self._pushed, self._lost, heartbeat=timing.heartbeat, silence=timing.silence
        )
        self._connections.add(connection)
        return connection

    def _pushed(self, connection: ChatConnection, push: WireMessage) -> None:
        if connection is not self._connection:
            return
        match push:
            case LogoutResponse():
                text = (
                    push.message
                    if isinstance(push.message, str)
                    else "This account signed in somewhere else."
                )
                self._over(Refused(Status.LOGIN_FOR_MULTIPLE_TIMES, text))
            case MovePush():
                self._moving.ask(push.after)
            case _:
                self._on_push(push)

    def _lost(self, connection: ChatConnection, reason: Failure) -> None:
        if connection is not self._connection:
            return
        since = self._online_since
        if connection.silent or (since is not None and self._clock.seconds() - since < self._timing.brief):
            self._failed_here()
        self._over(connection.problem())

    def _over(self, problem: Refused) -> None:
        """Handle the end of the present connection or of its session."""
        if self._changeover.logging_in:
            self._changeover.lost(problem)
        elif isinstance(problem, Unavailable):
            self._lifecycle.failed(problem)
        elif self._attempts.explains_sign_out():
            self._lifecycle.failed(
                Disconnected("A login that this client had given up has ended its session.")
            )
        else:
            self._lifecycle.refused(problem)

    def _failed_here(self) -> None:
        if self._whereabouts.here is not None:
            self._whereabouts.failed(self._whereabouts.here)


def _late(_: object, seconds: float) -> None:
    raise Unavailable(Status.NETWORK_ERROR, f"There was no connection to the server within {seconds:g} s.")


def _nothing(_: object) -> None:
    return None
