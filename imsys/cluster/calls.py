"""Unary gRPC calls, awaited on the reactor without a thread for each."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from typing import Any

from twisted.internet.defer import Deferred


def send(
    reactor: Any, call: Any, request: Any, timeout: float, beginner: Executor | None = None
) -> Deferred[Any]:
    """Begin one call of a stub.

    Fire on the reactor with the response; fail with ``grpc.RpcError``, or with ``ValueError`` if the channel is closed by then.

    :param beginner: a thread to begin it in; without it that is done here.
    """
    beginning: Future[Any] = Future()
    if beginner is None:
        try:
            beginning.set_result(call.future(request, timeout=timeout))
        except ValueError as closed:
            beginning.set_exception(closed)
    else:
        beginning = beginner.submit(call.future, request, timeout=timeout)

    def cancel(_: Deferred[Any]) -> None:
        if not beginning.cancel():
            beginning.add_done_callback(lambda begun: begun.exception() or begun.result().cancel())

    def began(begun: Future[Any]) -> None:
        if begun.cancelled():
            return
        future = begun if begun.exception() is not None else begun.result()
        future.add_done_callback(lambda done: reactor.callFromThread(_finish, done, answer))

    answer: Deferred[Any] = Deferred(cancel)
    beginning.add_done_callback(began)
    return answer


def _finish(future: Any, answer: Deferred[Any]) -> None:
    if answer.called:
        return
    error = future if future.cancelled() else future.exception()
    if error is None:
        answer.callback(future.result())
    else:
        answer.errback(error)
