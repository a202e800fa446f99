"""The states of a client, from offline to online and back, and the transitions between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from automat import TypeMachineBuilder

from imsys.sdk.model import ConnectionState


class Lifecycle(Protocol):
    """The inputs of a client's state machine."""

    def start(self) -> None:
        """The application wants to be online."""

    def stop(self) -> None:
        """The application wants to be offline."""

    def opened(self) -> None:
        """The client is logged in and has caught up."""

    def failed(self, problem: BaseException) -> None:
        """The attempt failed, or the connection was lost; another attempt may succeed."""

    def refused(self, problem: BaseException) -> None:
        """The account signed in elsewhere, or the credentials are invalid: retrying would not help."""

    def retry(self) -> None:
        """The wait before the next attempt is over."""


@dataclass
class Actions:
    """The outputs of the state machine; ``announce`` comes last, since a handler may cause the next input.

    ``sign_in`` begins an attempt in a later turn of the reactor; ``schedule`` begins the wait for the next
    one; ``abandon`` cancels both and closes the connection.
    """

    sign_in: Callable[[], None]
    schedule: Callable[[BaseException], None]
    abandon: Callable[[], None]
    announce: Callable[[ConnectionState, BaseException | None], None]


def _build() -> Callable[[Actions], Lifecycle]:
    machine = TypeMachineBuilder(Lifecycle, Actions)

    offline = machine.state("offline")
    signing_in = machine.state("signing in")
    online = machine.state("online")
    waiting = machine.state("waiting")
    signed_out = machine.state("signed out")

    def begin(_: Lifecycle, actions: Actions) -> None:
        actions.sign_in()
        actions.announce(ConnectionState.SIGNING_IN, None)

    def arrive(_: Lifecycle, actions: Actions) -> None:
        actions.announce(ConnectionState.ONLINE, None)

    def wait(_: Lifecycle, actions: Actions, problem: BaseException) -> None:
        actions.abandon()
        actions.schedule(problem)
        actions.announce(ConnectionState.WAITING, problem)

    def leave(_: Lifecycle, actions: Actions) -> None:
        actions.abandon()
        actions.announce(ConnectionState.OFFLINE, None)

    def give_up(_: Lifecycle, actions: Actions, problem: BaseException) -> None:
        actions.abandon()
        actions.announce(ConnectionState.SIGNED_OUT, problem)

    for resting in (offline, signed_out, waiting):
        resting.upon(Lifecycle.opened).loop().returns(None)
        resting.upon(Lifecycle.failed).loop().returns(None)
        resting.upon(Lifecycle.refused).loop().returns(None)
    for active in (signing_in, online):
        active.upon(Lifecycle.failed).to(waiting)(wait)
        active.upon(Lifecycle.refused).to(signed_out)(give_up)
    signing_in.upon(Lifecycle.opened).to(online)(arrive)
    online.upon(Lifecycle.opened).loop().returns(None)

    for startable in (offline, signed_out):
        startable.upon(Lifecycle.start).to(signing_in)(begin)
    for started in (signing_in, online, waiting):
        started.upon(Lifecycle.start).loop().returns(None)
    for stoppable in (signing_in, online, waiting, signed_out):
        stoppable.upon(Lifecycle.stop).to(offline)(leave)
    offline.upon(Lifecycle.stop).loop().returns(None)

    waiting.upon(Lifecycle.retry).to(signing_in)(begin)
    for deaf in (offline, signing_in, online, signed_out):
        deaf.upon(Lifecycle.retry).loop().returns(None)
    return machine.build()


new_lifecycle = _build()
"""Makes the state machine of one client from its actions."""
