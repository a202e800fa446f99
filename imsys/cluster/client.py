"""gRPC calls to other servers, awaited on the reactor without a thread for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import grpc
from twisted.application.service import Service
from twisted.internet.defer import Deferred

from imsys.cluster.channels import Channels
from imsys.cluster.trust import Trust, address
from imsys.errors import Status, Unavailable
from imsys.util.outages import Outage

MAX_PENDING = 10_000
"""Pending calls, at most; further ones fail at once."""


class NotOffered(Unavailable):
    """The server does not implement this call (gRPC's UNIMPLEMENTED)."""


class GrpcClient(Service):
    """Calls to one service that is offered at several addresses.

    The address that answered last is called first; if one cannot be reached, the next is tried.

    :raises ConfigError: an address would be called in plaintext, which is not allowed.
    """

    def __init__(self, reactor: Any, trust: Trust, addresses: Sequence[tuple[str, int]]) -> None:
        self._reactor = reactor
        for host, _ in addresses:
            trust.allow(host)
        self._deadline = trust.deadline
        self._addresses = tuple(addresses)
        self._channels = Channels(reactor, trust)
        self._stubs: dict[tuple[int, Any], tuple[grpc.Channel, Any]] = {}
        self._first = 0
        self._pending = 0
        where = ", ".join(address(host, port) for host, port in addresses)
        self._outage = Outage(reactor.seconds, f"gRPC to {where}")

    def stopService(self) -> None:
        """Close the channels; calls in progress fail."""
        super().stopService()
        self._stubs.clear()
        self._channels.close()

    async def call(
        self,
        stub_class: Callable[[grpc.Channel], Any],
        method: str,
        request: Any,
        *,
        deadline: float | None = None,
    ) -> Any:
        """Make one unary call and return its response.

        :param stub_class: the generated stub of the service.
        :param deadline: seconds for all addresses together; default: the configured one.
        :raises NotOffered: GRPC_ERROR (3), the server does not implement the call.
        :raises Unavailable: GRPC_ERROR (3), no server could be reached, or it did not answer in time.
        """
        if not self.running or self._pending >= MAX_PENDING:
            raise Unavailable(Status.GRPC_ERROR, "The service behind this one cannot be called now.")
        end = self._reactor.seconds() + (self._deadline if deadline is None else deadline)
        self._pending += 1
        try:
            return await self._somewhere(stub_class, method, request, end)
        finally:
            self._pending -= 1

    async def _somewhere(self, stub_class: Any, method: str, request: Any, end: float) -> Any:
        count, first = len(self._addresses), self._first
        code: grpc.StatusCode | None = None
        for index in ((first + i) % count for i in range(count)):
            remaining = end - self._reactor.seconds()
            if remaining <= 0 or not self.running:
                break
            try:
                response = await self._once(index, stub_class, method, request, remaining)
            except grpc.RpcError as error:
                code = error.code()
                if code is grpc.StatusCode.UNIMPLEMENTED:
                    raise NotOffered(Status.GRPC_ERROR, f"{method} is not offered there.") from None
                if self._first == index:
                    self._first = (index + 1) % count  # also after a timeout: the next call begins elsewhere
                if code is not grpc.StatusCode.UNAVAILABLE:
                    break  # it may have been executed, so it is not sent again
            except ValueError:  # the channel was closed before the call began
                break
            else:
                self._first = index
                self._outage.works()
                return response
        self._outage.failed(f"{method} {'was not answered in time' if code is None else code.name}")
        raise Unavailable(Status.GRPC_ERROR, f"{method} was not answered.")

    def _once(self, index: int, stub_class: Any, method: str, request: Any, timeout: float) -> Deferred[Any]:
        channel = self._channels.to(self._addresses[index])
        of, stub = self._stubs.get((index, stub_class), (None, None))
        if of is not channel:
            stub = stub_class(channel)
            self._stubs[index, stub_class] = channel, stub
        return self._channels.send(getattr(stub, method), request, timeout)
