"""Open files: as many as the system allows, and no more connections than they are enough for."""

from __future__ import annotations

import contextlib
import dataclasses

from imsys.config import Config
from imsys.errors import ConfigError

MOST = 1 << 20
"""Open files beyond which the soft limit of the process is not raised."""

OWN = 256
"""Open files that a server has besides its connections and pools: logs, certificates, gRPC and its streams to peers, and some to spare."""

SECTIONS = {
    "imsys-chat": ("chat",),
    "imsys-resources": ("resources",),
    "imsys-gateway": ("gateway",),
    "imsys": ("chat", "resources", "gateway"),
}
"""Which daemons hold connections up to which sections' ``capacity``."""


def raise_descriptor_limit() -> int | None:
    """Let the process open as many files, and so connections, as its hard limit allows.

    :returns: how many that are now; ``None`` where there is no limit to speak of.
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
    """The configuration with no more connections than there can be, and a line about what was lowered (or none).

    A server that took more would fail somewhere in the middle of its work, and not only at its door.

    :param limit: open files that the process may have.
    :raises ConfigError: it may not even have those that it needs for itself.
    """
    sections = SECTIONS.get(daemon, ())
    if limit is None or not sections:
        return config, ""
    needed = OWN + config.redis.pool_size
    if "chat" in sections or "gateway" in sections:
        needed += config.database.pool_size + 1
    if "resources" in sections:
        needed += config.resources.disk_workers
    wanted = {section: getattr(config, section).capacity for section in sections}
    total, left = sum(wanted.values()), limit - needed
    if total <= left:
        return config, ""
    remedy = "raise the limit (LimitNOFILE= of the unit, ulimit -Hn)"
    if left < len(sections):
        raise ConfigError(f"the process may open {limit} files, and needs {needed} before the first connection: {remedy}")
    lowered = {section: max(1, capacity * left // total) for section, capacity in wanted.items()}
    changes = ", ".join(f"[{section}] capacity is {lowered[section]} instead of {wanted[section]}" for section in sections)
    sized = {section: dataclasses.replace(getattr(config, section), capacity=capacity) for section, capacity in lowered.items()}
    warning = f"the process may open {limit} files, and needs {needed} of them for itself, so {changes}: {remedy}, or lower the capacity"
    return dataclasses.replace(config, **sized), warning
