"""Serve gRPC calls on the reactor.

grpc runs its own threads. A unary call waits in one of them while its handler, an ``async`` method, runs on
the reactor; a stream occupies a thread for its whole life.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory
from twisted.application.service import Service
from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.cluster.trust import Trust
from imsys.errors import Refused, Status

_log = Logger()

MAX_STREAMS = 64
"""Open streams, at most: one per peer, each with its own thread."""

MAX_WAITING = 16
"""Running or waiting unary calls per worker, at most; beyond it grpc answers RESOURCE_EXHAUSTED."""

MAX_DEADLINE = 60.0
"""Seconds of a caller's deadline, at most."""

_NEVER = 86400.0

STOP_GRACE = 2.0
"""Seconds for running calls to end when the server stops."""

AddServicer = Callable[[Any, grpc.Server], None]


class GrpcServer(Service):
    """Serves gRPC services on one port, or on a Unix socket if ``host`` is a path.

    :param services: pairs of a generated ``add_…Servicer_to_server`` and an object with methods named like
        the service's calls: ``async def Name(self, request)`` runs on the reactor; ``def Name(self, requests,
        context)`` of a stream runs in its thread. A call without a method is UNIMPLEMENTED. A method that
        raises :class:`~imsys.errors.Refused` is answered with its status in the field ``error`` (and its
        sentence in ``message``, where there is one), anything else with INTERNAL_ERROR.
    :param max_workers: unary calls that run at once.
    :raises ConfigError: it would be plaintext, which is not allowed.
    """

    def __init__(
        self,
        reactor: Any,
        trust: Trust,
        host: str,
        port: int,
        services: Sequence[tuple[AddServicer, Any]],
        max_workers: int = 16,
    ) -> None:
        self._reactor = reactor
        self._trust = trust
        self._trust.allow(host)
        self._deadline = trust.deadline
        self._host = host
        self._services = services
        self._workers = max_workers
        self._server: grpc.Server | None = None
        self._calls: set[Deferred[Any]] = set()
        self._streams: set[grpc.ServicerContext] = set()
        self._streams_lock = threading.Lock()
        self.port = port

    def startService(self) -> None:
        """Bind and serve; :attr:`port` is the bound port from then on.

        :raises ConfigError: the port cannot be bound.
        """
        super().startService()
        server = grpc.server(
            ThreadPoolExecutor(self._workers + MAX_STREAMS, thread_name_prefix="grpc"),
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.keepalive_time_ms", 10000),
                ("grpc.keepalive_timeout_ms", 5000),
                ("grpc.http2.min_ping_interval_without_data_ms", 5000),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 5000),
            ],
            maximum_concurrent_rpcs=self._workers * MAX_WAITING + MAX_STREAMS,
        )
        for add, servicer in self._services:
            self._add(server, add, servicer)
        self.port = self._trust.bind(server, self._host, self.port)
        server.start()
        self._server = server

    def stopService(self) -> Deferred[Any]:
        """Accept no new calls, end streams, let calls end; fire when the threads are free."""
        super().stopService()
        server, self._server = self._server, None
        if server is None:
            return succeed(None)
        over = server.stop(STOP_GRACE)
        with self._streams_lock:
            streams = list(self._streams)
        for context in streams:
            context.cancel()
        done: Deferred[None] = Deferred()
        threading.Thread(target=self._wait, args=(over, done), name="grpc-stop", daemon=True).start()
        return done.addCallback(lambda _: self._cancel_calls())

    def _wait(self, over: threading.Event, done: Deferred[None]) -> None:
        over.wait(STOP_GRACE + 5)
        self._reactor.callFromThread(done.callback, None)

    def _cancel_calls(self) -> None:
        for call in list(self._calls):
            call.cancel()

    def _add(self, server: grpc.Server, add: AddServicer, servicer: Any) -> None:
        recorder = _Recorder()
        add(_AnyServicer(), recorder)  # type: ignore[arg-type]
        calls = descriptor_pool.Default().FindServiceByName(recorder.service).methods_by_name
        handlers = {}
        for name, generated in recorder.handlers.items():
            method = getattr(servicer, name, None)
            if method is None:
                continue
            coders = {
                "request_deserializer": generated.request_deserializer,
                "response_serializer": generated.response_serializer,
            }
            if inspect.iscoroutinefunction(method):
                response = message_factory.GetMessageClass(calls[name].output_type)
                handlers[name] = grpc.unary_unary_rpc_method_handler(self._bridge(method, response), **coders)
            else:
                handlers[name] = grpc.stream_stream_rpc_method_handler(self._stream(method), **coders)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(recorder.service, handlers),))

    def _stream(self, method: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def run(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            with self._streams_lock:
                full = len(self._streams) >= MAX_STREAMS
                self._streams.add(context)
            try:
                if full:
                    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many streams")
                yield from method(requests, context)
            finally:
                with self._streams_lock:
                    self._streams.discard(context)

        return run

    def _bridge(self, method: Callable[[Any], Any], response: Any) -> Callable[..., Any]:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            remaining = context.time_remaining()
            # For a call without a deadline, grpc reports one that is centuries away.
            timeout = self._deadline if remaining > _NEVER else min(remaining, MAX_DEADLINE)
            answer: Future[Any] = Future()
            self._reactor.callFromThread(self._run, method, request, response, timeout, answer)
            try:
                return answer.result(timeout + 1)
            except (FutureTimeout, CancelledError):
                context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "no answer in time")

        return call

    def _run(
        self, method: Callable[[Any], Any], request: Any, response: Any, timeout: float, answer: Future[Any]
    ) -> None:
        call: Deferred[Any] = Deferred.fromCoroutine(method(request))
        self._calls.add(call)
        call.addTimeout(timeout, self._reactor)

        def failed(failure: Failure) -> Any:
            if isinstance(failure.value, Refused):
                return _refusal(response, failure.value.status, failure.value.message)
            if failure.check(DeferredTimeout, DeferredCancelled):
                return _refusal(response, Status.GRPC_ERROR, "The call took too long.")
            _log.failure("gRPC call {name} failed", failure, name=response.DESCRIPTOR.name)
            return _refusal(response, Status.INTERNAL_ERROR, "The call failed inside the server.")

        def finish(result: Any) -> None:
            self._calls.discard(call)
            answer.set_result(result)

        call.addErrback(failed).addCallbacks(finish, lambda failure: _log.failure("gRPC answer", failure))


def _refusal(response: Any, status: Status, message: str) -> Any:
    fields = response.DESCRIPTOR.fields_by_name
    return (
        response(error=int(status), message=message) if "message" in fields else response(error=int(status))
    )


class _AnyServicer:
    """Has any method, so that a generated ``add_…`` function lists the calls of its service."""

    def __getattr__(self, name: str) -> None:
        return None


class _Recorder:
    """Acts as a grpc server, and records what a generated ``add_…`` function registers."""

    service: str
    handlers: dict[str, Any]

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """Do nothing: the other call has more information."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """Record the name of the service and its generated handlers."""
        self.service = service
        self.handlers = handlers
