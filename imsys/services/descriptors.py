"""Raise the limit of open files, and fit the number of connections to it."""

from __future__ import annotations

import contextlib
import dataclasses

from imsys.config import Config
from imsys.errors import ConfigError
from imsys.store.read_connections import READ_CONNECTIONS

MOST = 1 << 20
"""Open files to which the soft limit is raised, at most."""

OWN = 256
"""Open files of a server besides its connections and pools: logs, certificates, gRPC and peers, and a
reserve."""

SECTIONS = {
    "imsys-chat": ("chat",),
    "imsys-resources": ("resources",),
    "imsys-gateway": ("gateway",),
    "imsys": ("chat", "resources", "gateway"),
}
"""The sections whose ``capacity`` limits the connections of each daemon."""


def raise_descriptor_limit() -> int | None:
    """Raise the soft limit of open files, and so of connections, as far as the hard limit allows.

    :returns: the limit now; ``None``: unlimited.
    """
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return None if soft == resource.RLIM_INFINITY else soft


def fitting(config: Config, daemon: str, limit: int | None) -> tuple[Config, str]:
    """Return the configuration with capacities lowered to the possible, and a line about that (or "").

    A server that accepted more connections would fail in the middle of its work instead of refusing
    connections.

    :param limit: open files of the process, at most; ``None``: unlimited.
    :raises ConfigError: there are not even enough for the server itself.
    """
    sections = SECTIONS.get(daemon, ())
    if limit is None or not sections:
        return config, ""
    needed = OWN + config.redis.pool_size
    if "chat" in sections or "gateway" in sections:
        needed += config.database.pool_size + 1 + READ_CONNECTIONS
    if "resources" in sections:
        needed += config.resources.disk_workers
    wanted = {section: getattr(config, section).capacity for section in sections}
    total, left = sum(wanted.values()), limit - needed
    if total <= left:
        return config, ""
    remedy = "raise the limit (LimitNOFILE= of the unit, ulimit -Hn)"
    if left < len(sections):
        raise ConfigError(
            f"the process may open {limit} files, and needs {needed} before the first connection: {remedy}"
        )
    lowered = {section: max(1, capacity * left // total) for section, capacity in wanted.items()}
    changes = ", ".join(
        f"[{section}] capacity is {lowered[section]} instead of {wanted[section]}" for section in sections
    )
    sized = {
        section: dataclasses.replace(getattr(config, section), capacity=capacity)
        for section, capacity in lowered.items()
    }
    warning = f"the process may open {limit} files, and needs {needed} of them for itself, so {changes}: {remedy}, or lower the capacity"
    return dataclasses.replace(config, **sized), warning
