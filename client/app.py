"""``imsys-client``: the desktop client.

What is needed for the first picture is here; the rest comes with :mod:`client.program`.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from client.platform.paths import paths

if TYPE_CHECKING:
    from client.program import Program

NO_QT = """The desktop client needs PySide6: pip install 'imsys[client]'.
({problem})"""


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser("imsys-client", description="The desktop client of imsys.")
    parser.add_argument(
        "--server", default="", metavar="URL", help="the server that is offered, https://host:port"
    )
    parser.add_argument("--hidden", action="store_true", help="begin without a window, where there is a tray")
    parser.add_argument("--verbose", action="store_true", help="log more, on the terminal too")
    parser.add_argument("--version", action="store_true", help="say the version")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None, *, ready: Callable[[Program], object] | None = None) -> int:
    """Run it; the exit status.

    :param ready: called with the program before it begins, by whoever measures it.
    """
    asked = arguments(given)
    if asked.version:
        from imsys import __version__

        print(__version__)
        return 0
    try:
        from client.platform import single
    except ImportError as problem:  # Qt, or a library of the system that it needs
        print(NO_QT.format(problem=problem), file=sys.stderr)
        return 1
    places = paths()
    if single.tell_first(places.data, "hidden" if asked.hidden else "show"):
        return 0
    return _run(asked, ready)


def _run(asked: argparse.Namespace, ready: Callable[[Program], object] | None) -> int:
    gc.disable()  # until all is there that stays: nothing of it is garbage
    from client.platform import faults
    from client.platform.languages import translate
    from client.platform.reactor import application, install
    from client.platform.settings import Settings
    from client.theme import Scheme, Theme

    places = paths()
    faults.begin_log(places.logs, verbose=asked.verbose)
    app = application()
    app.setApplicationName("imsys")
    app.setApplicationDisplayName("imsys")
    app.setDesktopFileName("imsys-client")
    settings = Settings(places.preferences)
    value = settings.value
    translate(app, value.language)
    theme = Theme(app, scheme=Scheme(value.scheme), scale=value.scale)
    if value.less_motion:
        theme.less_motion = True
    from client.views.main.window import Window

    window = Window(theme, settings)
    if not asked.hidden:
        window.show()
        app.processEvents()  # the first picture, before everything that talks
    install()
    from twisted.internet import reactor as found

    from client.program import Program
    from client.shell.context import Context

    reactor: Any = found
    program = Program(Context(reactor, app, theme, settings, window, places, os.environ, asked.server))
    gc.freeze()
    gc.enable()
    faults.observe(program.faults)
    if asked.hidden and program.tray.icon is None:
        window.show()
    reactor.addSystemEventTrigger("before", "shutdown", program.quit)
    reactor.addSystemEventTrigger("after", "shutdown", app.quit)
    if ready is not None:
        ready(program)
    program.begin()
    reactor.runReturn()
    status = int(app.exec())
    settings.flush()
    logging.shutdown()
    return status


if __name__ == "__main__":
    sys.exit(main())
