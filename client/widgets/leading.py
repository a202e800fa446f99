"""Words that others wrote, at the leading side whatever script they are in.

Qt puts the text of a label to the side where its own script begins: a Latin name would stand far from its
avatar where the interface is read from right to left.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget


def leading(widget: QWidget) -> Qt.AlignmentFlag:
    """The leading side, for what is written in any script."""
    rtl = widget.layoutDirection() is Qt.LayoutDirection.RightToLeft
    side = Qt.AlignmentFlag.AlignRight if rtl else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter


def align_leading(*labels: QLabel) -> None:
    """Put their words there."""
    for label in labels:
        label.setAlignment(leading(label))
