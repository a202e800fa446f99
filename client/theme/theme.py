"""The theme of one application: tokens in the scheme and at the text scale that are in force."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTemporaryDir, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QGuiApplication,
    QIcon,
    QPalette,
    QPixmap,
)
from PySide6.QtWidgets import QApplication, QStyle

from client.theme import icon as icons
from client.theme.sheet import sheet
from client.theme.tokens import DARK, ICON, LIGHT, SCALES, Colours, Font


class Scheme(enum.Enum):
    """Light, dark, or what the system has."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"

    @classmethod
    def _missing_(cls, value: object) -> Scheme:
        """What is none of them is what the system has."""
        return cls.SYSTEM


class Theme(QObject):
    """What widgets paint with. :attr:`changed` tells that everything is to be painted, and measured, anew."""

    changed = Signal()

    def __init__(
        self, application: QApplication, *, scheme: Scheme = Scheme.SYSTEM, scale: int = 100
    ) -> None:
        super().__init__()
        self._application = application
        self.scheme = scheme
        self.scale = max(SCALES[0], min(SCALES[-1], scale))
        self.less_motion: bool | None = None
        """Whether nothing moves; ``None``: as the system has it."""
        self._folder = QTemporaryDir()
        self._fonts: dict[Font, QFont] = {}
        self._metrics: dict[Font, QFontMetricsF] = {}
        application.styleHints().colorSchemeChanged.connect(self._system_changed)
        application.setStyle("Fusion")
        self._tell_system()
        self._family = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
        self._fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        self._build()

    # What is in force.

    @property
    def dark(self) -> bool:
        """Whether it is the dark one."""
        if self.scheme is Scheme.SYSTEM:
            return self._application.styleHints().colorScheme() is Qt.ColorScheme.Dark
        return self.scheme is Scheme.DARK

    def set_scheme(self, scheme: Scheme) -> None:
        """Light, dark, or the system's."""
        if scheme is not self.scheme:
            self.scheme = scheme
            self._tell_system()
            self._rebuild()

    def set_scale(self, scale: int) -> None:
        """The size of texts, per cent; kept within 80 and 200."""
        scale = max(SCALES[0], min(SCALES[-1], scale))
        if scale != self.scale:
            self.scale = scale
            self._rebuild()

    def zoom(self, steps: int) -> None:
        """Larger or smaller texts, by steps; 0: as they were made."""
        if not steps:
            return self.set_scale(100)
        nearest = min(range(len(SCALES)), key=lambda at: abs(SCALES[at] - self.scale))
        return self.set_scale(SCALES[max(0, min(len(SCALES) - 1, nearest + steps))])

    # What widgets ask for.

    def px(self, size: float) -> int:
        """A size that grows with the texts, in pixels."""
        return round(size * self.scale / 100)

    def font(self, font: Font) -> QFont:
        """A font of the type scale."""
        return self._fonts[font]

    def metrics(self, font: Font) -> QFontMetricsF:
        """Its measures."""
        found = self._metrics.get(font)
        if found is None:
            found = self._metrics[font] = QFontMetricsF(self._fonts[font])
        return found

    def icon(
        self, name: str, colour: QColor | None = None, *, size: int = ICON, checked: QColor | None = None
    ) -> QIcon:
        """An icon for a button, of the second text's colour where none is given."""
        return icons.icon(
            name, colour or self.colours.second, self.colours.disabled, self.px(size), checked=checked
        )

    def pixmap(
        self, name: str, colour: QColor, *, size: int = ICON, ratio: float = 1.0, filled: bool = False
    ) -> QPixmap:
        """An icon to paint."""
        return icons.pixmap(name, colour, self.px(size), ratio, filled=filled)

    def duration(self, ms: int) -> int:
        """How long a motion takes; 0 where the system, or the user, asks for less motion."""
        less = self.less_motion
        if less is None:
            less = self._application.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) <= 0
        return 0 if less else ms

    def follow(self, apply: Callable[[], object]) -> None:
        """Call it now, and whenever the theme changes (a method of a ``QObject``, so that it ends with that)."""
        self.changed.connect(apply)
        apply()

    # Making it.

    def _tell_system(self) -> None:
        """Frames of windows and the system's own dialogs are of the same scheme."""
        hints = self._application.styleHints()
        if self.scheme is Scheme.SYSTEM:
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(Qt.ColorScheme.Dark if self.scheme is Scheme.DARK else Qt.ColorScheme.Light)

    def _system_changed(self) -> None:
        if self.scheme is Scheme.SYSTEM:
            self._rebuild()

    def _rebuild(self) -> None:
        self._build()
        self.changed.emit()

    def _build(self) -> None:
        self.tokens: Colours[str] = DARK if self.dark else LIGHT
        self.colours: Colours[QColor] = self.tokens.map(QColor)
        self._metrics.clear()
        for font in Font:
            made = QFont(self._fixed if font.fixed else self._family)
            if font.fixed:
                made.setStyleHint(QFont.StyleHint.Monospace)
            made.setPixelSize(max(1, self.px(font.size)))
            made.setWeight(QFont.Weight.DemiBold if font.strong else QFont.Weight.Normal)
            if font in (Font.META, Font.META_STRONG):
                made.setFeature(QFont.Tag("tnum"), 1)
            self._fonts[font] = made
        self._application.setFont(self._fonts[Font.BODY])
        self._application.setPalette(self._palette())
        self._application.setStyleSheet(sheet(self.tokens, self.px, self._image))

    def _image(self, name: str, colour: str) -> str:
        """A style sheet takes pictures from files alone."""
        path = Path(self._folder.path()) / f"{name}-{colour[1:]}.svg"
        if not path.exists():
            path.write_text(icons.source(name).replace("currentColor", colour), "utf-8")
        return path.as_posix()

    def _palette(self) -> QPalette:
        """For what Qt paints itself."""
        colours, palette, role = self.colours, QPalette(), QPalette.ColorRole
        for names, colour in (
            ((role.Window, role.Base, role.Button), colours.window),
            ((role.AlternateBase,), colours.list),
            (
                (role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.HighlightedText),
                colours.text,
            ),
            ((role.PlaceholderText,), colours.second),
            ((role.BrightText, role.LinkVisited, role.Link), colours.accent_text),
            ((role.Highlight,), colours.selection),
            ((role.Accent,), colours.accent),
            ((role.ToolTipBase,), colours.float),
            ((role.Light, role.Midlight), colours.hover),
            ((role.Mid, role.Dark), colours.hairline),
            ((role.Shadow,), colours.shadow),
        ):
            for name in names:
                palette.setColor(name, colour)
        for name in (role.WindowText, role.Text, role.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, name, colours.disabled)
        return palette


def device_ratio() -> float:
    """The largest pixel ratio of the screens, for what is cached for all of them."""
    return max((screen.devicePixelRatio() for screen in QGuiApplication.screens()), default=1.0)
