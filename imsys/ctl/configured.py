"""Load the configuration for a command."""

from __future__ import annotations

import argparse
import os

from imsys import config


def settings(options: argparse.Namespace) -> config.Config:
    """Load the configuration that the options or the environment name."""
    return config.load(options.config or os.environ.get("IMSYS_CONFIG") or None, os.environ)


def calling(options: argparse.Namespace) -> config.Config:
    """Load the configuration with the addresses for calling servers: sockets, if all are one process."""
    from imsys.util.sockets import by_sockets, on_sockets

    found = settings(options)
    return on_sockets(found) if by_sockets(found.cluster) else found
