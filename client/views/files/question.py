"""Asking before a file is opened that may run."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QMessageBox, QWidget

from client.core.display import shown_name
from client.core.filenames import safe_name
from client.translations.tr import tr
from client.widgets.question import ask


def ask_open(
    parent: QWidget, filename: str, who: str, open_it: Callable[[], object], reveal: Callable[[], object]
) -> QMessageBox:
    """Ask.

    :param who: who sent it; empty: I did.
    """
    sender = tr("It comes from {name}.").format(name=shown_name(who)) if who else ""
    danger = tr(
        "A program can read and change all that you can. Open it only if you know what it is and expected it."
    )
    role = QMessageBox.ButtonRole
    return ask(
        parent,
        tr("{name} may be a program.").format(name=safe_name(filename)),
        " ".join(part for part in (sender, danger) if part),
        [
            (tr("Open anyway"), role.DestructiveRole, open_it),
            (tr("Show in folder"), role.ActionRole, reveal),
        ],
        title=tr("Open a program"),
        icon=QMessageBox.Icon.Warning,
    )
