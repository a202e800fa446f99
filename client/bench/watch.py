"""When something was on screen: a widget that was painted, and the turn of the event loop after it, in which
Qt has handed it over.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer


class Painted(QObject):
    """Calls with ``time.monotonic()`` after a widget was painted, once for all paintings of a turn.

    :param wanted: which widgets count; by default the one that this is installed on.
    """

    def __init__(
        self, told: Callable[[float], object], wanted: Callable[[QObject], bool] = lambda widget: True
    ) -> None:
        super().__init__()
        self._told = told
        self._wanted = wanted
        self._soon = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look on."""
        if event.type() == QEvent.Type.Paint and not self._soon and self._wanted(watched):
            self._soon = True
            QTimer.singleShot(0, self, self._tell)
        return False

    def _tell(self) -> None:
        self._soon = False
        self._told(time.monotonic())


def rank(values: list[float], share: float) -> float:
    """A percentile, nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def spread(values: list[float]) -> dict[str, float]:
    """Seconds as milliseconds: p50, p95, p99 and the worst."""
    return {
        name: round(rank(values, share) * 1000, 2)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    }
