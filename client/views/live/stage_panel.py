"""A panel with a stage on it, and how it ends."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtWidgets import QWidget

from client.theme import Theme
from client.views.live.stage import Stage


class StagePanel(QWidget):
    """Shows something for as long as it is there: however it goes, what it shows ends with it, once."""

    closed = Signal()
    """It is to be taken away."""

    def __init__(self, theme: Theme, parent: QWidget | None, *, opengl: bool | None) -> None:
        super().__init__(parent)
        self.stage = Stage(theme, opengl=opengl)
        self._over = False
        self._timers: tuple[QTimer, ...] = ()
        self._heard: Callable[[], object] = lambda: None
        self._shown: Callable[[], object] = lambda: None

    def ends(self, *timers: QTimer, heard: Callable[[], object], shown: Callable[[], object]) -> None:
        """Say what ends with the panel: timers, what it hears of changes by, and what it shows, in this order."""
        self._timers, self._heard, self._shown = timers, heard, shown

    def leave(self) -> None:
        """End it; :attr:`closed` tells that the panel can go."""
        if not self._over:
            self.stop()
            self.closed.emit()

    def stop(self) -> None:
        """End what runs (idempotent)."""
        if not self._over:
            self._over = True
            for timer in self._timers:
                timer.stop()
            self._heard()
            self.stage.set_full(False)
            self.stage.projector.set_player(None)
            self._shown()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DeferredDelete:
            self.stop()
        return super().event(event)

    def closeEvent(self, event: QEvent) -> None:
        self.stop()
