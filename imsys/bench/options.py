"""The options that several commands of ``imsys-bench`` share."""

from __future__ import annotations

import argparse
import os
import platform
import re
from typing import Any

from imsys.bench.servers import Setup
from imsys.util import compiled


def whole(text: str) -> int:
    """Parse a positive number. :raises argparse.ArgumentTypeError: it is none."""
    if not text.isdecimal() or not 0 < int(text) <= 100_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100000000")
    return int(text)


def several(text: str) -> int:
    """Parse a number above 1. :raises argparse.ArgumentTypeError: it is none."""
    if (number := whole(text)) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not more than 1")
    return number


def amounts(text: str) -> list[int]:
    """Several positive numbers, with commas between, in ascending order.

    :raises argparse.ArgumentTypeError: they are not.
    """
    return sorted({whole(part.strip()) for part in text.split(",")})


def seconds(text: str) -> float:
    """Parse seconds, up to a day. :raises argparse.ArgumentTypeError: they are invalid."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def named_pid(text: str) -> tuple[str, int]:
    """Parse ``[NAME=]PID``. :raises argparse.ArgumentTypeError: it is invalid."""
    name, _, number = text.rpartition("=")
    if not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no process id")
    return name or f"process {number}", int(number)


def setting(text: str) -> tuple[str, str]:
    """Parse ``SECTION_KEY=VALUE``. :raises argparse.ArgumentTypeError: it is invalid."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Z_]+", name):
        raise argparse.ArgumentTypeError(f"{text!r}: wanted is, for example, CHAT_LOG_BATCH=1")
    return name, value


def add_servers(parser: argparse.ArgumentParser, *, backend: str = "sqlite") -> None:
    """Add the options of the private servers."""
    parser.add_argument(
        "--backend",
        choices=("sqlite", "mysql"),
        default=backend,
        help="database of the private servers that are measured",
    )
    parser.add_argument(
        "--reactor", metavar="NAME", help="reactor of the private servers (default: their own choice)"
    )
    parser.add_argument(
        "--set",
        action="append",
        type=setting,
        default=[],
        metavar="KEY=VALUE",
        help="configuration of the private servers, as CHAT_LOG_BATCH=1",
    )
    parser.add_argument(
        "--compiled",
        action="store_true",
        help="compile the servers' modules of a message's path ('make compile') in build/compiled, and measure that",
    )
    parser.add_argument("--tls", action="store_true", help="use the TLS port instead of the plaintext one")
    parser.add_argument(
        "--generators", type=whole, default=1, metavar="N", help="processes that make the load"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options of the output."""
    parser.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="write the figures as JSON, to a file or instead of the table",
    )
    parser.add_argument("--svg", metavar="FILE", help="write a plot of the latencies")


def setup_of(options: argparse.Namespace, **more: Any) -> Setup:
    """Return the servers chosen by the options of :func:`add_servers`."""
    return Setup(
        backend=options.backend,
        reactor=options.reactor,
        settings=dict(options.set),
        compiled=options.compiled,
        **more,
    )


def setting_of(options: argparse.Namespace, **more: object) -> dict[str, object]:
    """Return the setting that a report mentions."""
    return {
        "backend": options.backend,
        "tls": options.tls,
        **more,
        "generators": options.generators,
        "reactor": options.reactor or "default",
        **dict(options.set),
        "python": platform.python_version(),
        "build": compiled.COMPILED if options.compiled else compiled.build(),
        "cores": os.cpu_count() or 0,
    }
