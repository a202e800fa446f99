"""Finding the client that a connection or a request comes from, also behind trusted proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_SITE_BITS = 64
"""Bits of an IPv6 address that one customer of a provider has in common."""


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """The client that one request comes from.

    ``limit_key`` is what limits count by: the address, or of an IPv6
    address its /64 network. ``secure`` tells whether the client spoke TLS;
    ``address`` is for logs.
    """

    limit_key: str
    secure: bool
    address: str


class Proxies:
    """Finds the client behind trusted proxies.

    :param trusted: addresses or networks whose ``X-Forwarded-For`` and
        ``X-Forwarded-Proto`` are believed.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = tuple(ipaddress.ip_network(network) for network in trusted)

    def source(
        self, peer: str, secure: bool, forwarded_for: Sequence[str], forwarded_proto: Sequence[str]
    ) -> ClientAddress:
        """Return the client that sent a request.

        :param peer: the address at the other end of the connection.
        :param secure: whether that connection is one of TLS.
        :param forwarded_for: the values of the ``X-Forwarded-For`` headers, in order.
        :param forwarded_proto: those of ``X-Forwarded-Proto``.
        """
        address = _parse(peer) if self._trusted else None
        if address is None or not self._trusts(address):
            return ClientAddress(limit_key(peer), secure, _plain(peer))
        if forwarded_proto:
            secure = forwarded_proto[-1].rpartition(",")[2].strip().lower() == "https"
        for hop in reversed(",".join(forwarded_for).split(",")):
            before = _parse(hop.strip())
            if before is None:
                break
            address = before
            if not self._trusts(address):
                break
        return ClientAddress(_key(address), secure, str(address))

    def trusts(self, peer: str) -> bool:
        """Return whether an address is that of a trusted proxy, which tells for whom it asks."""
        address = _parse(peer) if self._trusted else None
        return address is not None and self._trusts(address)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _parse(text: str) -> Address | None:
    """Parse an address with or without port, brackets and zone; IPv4 within IPv6 becomes IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(4096)
def limit_key(peer: str) -> str:
    """Return what limits count an address by; ``local`` for a peer without one (a Unix socket)."""
    address = _parse(peer)
    return _key(address) if address is not None else peer or "local"


@lru_cache(4096)
def _plain(peer: str) -> str:
    address = _parse(peer)
    return peer or "local" if address is None else str(address)


def _key(address: Address) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, _SITE_BITS), strict=False))
