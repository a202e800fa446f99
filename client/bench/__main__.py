"""``python -m client.bench PARTS [MINUTES]``: the client of ``IMSYS_CLIENT_HOME``, measured; see
:mod:`client.bench.driver`.

``IMSYS_BENCH_BEGAN`` is ``time.monotonic()`` of the process that started this one, at that moment.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any


def first_picture(application: Callable[..., Any], found: dict[str, float]) -> Callable[..., Any]:
    """The application's maker; :mod:`client.app` has the first picture painted, and handed over, by
    ``processEvents``.
    """

    def made(*arguments: Any) -> Any:
        app = application(*arguments)
        process = app.processEvents

        def processed() -> None:
            process()
            found["first paint"] = time.monotonic()
            del app.processEvents

        app.processEvents = processed
        return app

    return made


def main() -> int:
    """Run the client with a driver."""
    parts, minutes = sys.argv[1].split(","), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    began = float(os.environ.get("IMSYS_BENCH_BEGAN", "0"))
    found: dict[str, float] = {}
    from client import app
    from client.platform import reactor

    reactor.application = first_picture(reactor.application, found)

    def ready(program: Any) -> None:
        from twisted.internet import reactor as running

        from client.bench.driver import Driver

        Driver(running, program, began, found, parts, minutes).begin()

    return app.main([], ready=ready)


if __name__ == "__main__":
    sys.exit(main())
