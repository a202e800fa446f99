"""Twisted's epoll reactor, with less work for each event of a TCP connection. Our daemons use it on Linux.

What differs from :class:`twisted.internet.epollreactor.EPollReactor`:

* What connections write in a turn is sent when the turn ends, in one ``send`` for each of them
  (:mod:`imsys.reactor.connections`); only where the kernel does not take it all is the socket watched for
  room.
* :meth:`EPollReactor.callAtTurnEnd` has something run just before that.
* Its clock is monotonic: timed calls come when they are due, whatever the time of day is set to.
* The logging context of an event (whose connection it is) is made when something is logged, not before.
* A signal to end is logged and carried out in the next turn, and a second one before it is none.
* Threads that call in write to the waker only while the reactor sleeps, and only the first of them.

A turn is: calls of threads and timed calls, what was asked for at its end, sending; then waiting, and
reading.
"""

from __future__ import annotations

from twisted.internet.main import installReactor

from imsys.reactor.check import check
from imsys.reactor.epoll import EPollReactor

__all__ = ["EPollReactor", "install"]


def install() -> EPollReactor:
    """Make it the reactor of this process.

    :raises ImportError: this Twisted is not one that it works with.
    """
    check()
    reactor = EPollReactor()
    installReactor(reactor)
    return reactor
