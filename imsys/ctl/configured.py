"""The configuration that a command is about."""

from __future__ import annotations

import argparse
import os

from imsys import config


def settings(options: argparse.Namespace) -> config.Config:
    """The configuration that the command is about."""
    return config.load(options.config or os.environ.get("IMSYS_CONFIG") or None, os.environ)


def calling(options: argparse.Namespace) -> config.Config:
    """The same, with the addresses at which servers are called from here: sockets, where all of them are one process."""
    from imsys.util.sockets import by_sockets, on_sockets

    found = settings(options)
    return on_sockets(found) if by_sockets(found.cluster) else found
