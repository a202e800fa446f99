"""Which build runs: the modules of a message's path compiled by mypyc (``make compile``), or their sources.

``setup.py`` reads the list below before anything is installed: this module imports the standard library alone.
"""

from __future__ import annotations

import hashlib
from importlib.machinery import ExtensionFileLoader
from importlib.util import find_spec
from pathlib import Path

MODULES = (
    "imsys.chat.features.texts",
    "imsys.chat.message_log",
    "imsys.chat.outbound",
    "imsys.chat.route_cache",
    "imsys.chat.views",
    "imsys.protocols.connection.flow",
    "imsys.protocols.connection.linger",
    "imsys.protocols.fitting",
    "imsys.protocols.framing",
    "imsys.protocols.tls",
    "imsys.protocols.wire",
    "imsys.server.dispatch",
    "imsys.server.fields",
    "imsys.server.outcome",
    "imsys.server.session",
    "imsys.store.ids",
    "imsys.store.inserts",
)
"""What is compiled, all of it or nothing."""

DIGEST = Path(__file__).with_name("compiled.digest")
"""Written when a build has succeeded: the digest of the sources that it was made of."""

COMPILED, INTERPRETED = "compiled", "interpreted"


def sources(root: Path) -> list[Path]:
    """The files of the modules, below the folder that has ``imsys``."""
    return [root / f"{name.replace('.', '/')}.py" for name in MODULES]


def digest(root: Path) -> str:
    """The digest of the modules' sources, below the folder that has ``imsys``."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources(root))).hexdigest()


def build() -> str:
    """``compiled`` or ``interpreted``, by what Python loads, not by what somebody asked for.

    :raises RuntimeError: the modules that it loads are not those of the sources that are here.
    """
    native = [name for name in MODULES if _is_native(name)]
    if not native and not DIGEST.exists():
        return INTERPRETED
    if len(native) != len(MODULES):
        fault = f"only {len(native)} of {len(MODULES)} can be used with this Python"
    elif not DIGEST.exists() or DIGEST.read_text("ascii") != digest(DIGEST.parents[2]):
        fault = "they were made of other sources"
    else:
        return COMPILED
    raise RuntimeError(
        f"the compiled modules do not fit: {fault}; 'make compile' makes them again, 'make clean-compiled' removes them"
    )


def _is_native(name: str) -> bool:
    spec = find_spec(name)
    return spec is not None and isinstance(spec.loader, ExtensionFileLoader)


if __name__ == "__main__":
    print(build())
