"""What is there once for the whole program."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtWidgets import QApplication
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from client.platform.paths import Paths
from client.platform.settings import Settings
from client.theme import Theme
from client.viewmodels.work import run
from client.views.main.window import Window

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """Every part of the program gets it.

    :param environ: of the process.
    :param server: the URL that is offered for signing in; empty: none.
    """

    reactor: Any
    application: QApplication
    theme: Theme
    settings: Settings
    window: Window
    paths: Paths
    environ: Mapping[str, str]
    server: str = ""

    def run(self, work: Coroutine[Deferred[Any], Any, object]) -> None:
        """Begin it now; a failure is a sentence in the window."""
        run(work, self.window.toast.tell)

    def threaded(self, work: Callable[[], T]) -> Deferred[T]:
        """Do something that blocks, beside the user interface."""
        return deferToThreadPool(self.reactor, self.reactor.getThreadPool(), work)
