"""The dialog in which somebody chooses what of a picture becomes their avatar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPaintEvent, QPen, QTransform
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from client.core.cropping import Cut, Shape
from client.core.filenames import safe_name
from client.theme import Theme
from client.theme.tokens import AVATAR, AVATAR_BIG, CROPPER, GAP, SMALL, TIGHT, WIDE
from client.viewmodels.avatar_picture import AvatarPicture
from client.viewmodels.spool import Spool
from client.views.cropper.canvas import CropCanvas
from client.views.cropper.render import render
from client.widgets.button import IconButton
from client.widgets.decoding import Decoded, Loader, fault_words
from client.widgets.empty import EmptyState

MOST = QSize(2048, 2048)
"""Pixels that the picture is fitted into: four times what comes out."""


class Sample(QWidget):
    """What is cut out, as it will be seen: as a circle."""

    def __init__(self, theme: Theme, size: int) -> None:
        super().__init__()
        self._theme, self._size = theme, size
        self._image = QImage()
        theme.follow(self._restyle)

    def set_image(self, image: QImage) -> None:
        """Show it."""
        self._image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if not self._image.isNull():
            brush = QBrush(self._image)
            brush.setTransform(
                QTransform.fromScale(self.width() / self._image.width(), self.height() / self._image.height())
            )
            painter.setBrush(brush)
        painter.setPen(QPen(QColor(self._theme.colours.hairline), 1))
        painter.drawEllipse(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def _restyle(self) -> None:
        self.setFixedSize(self._theme.px(self._size), self._theme.px(self._size))


class CropDialog(QDialog):
    """:attr:`cropped` tells the picture and what is cut out of it."""

    cropped = Signal(QImage, object)

    def __init__(self, theme: Theme, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._image = QImage()
        self.setWindowTitle(self.tr("Choose what is seen"))
        self.canvas = CropCanvas(theme)
        self.fault = EmptyState(theme, "triangle-alert", self.tr("This cannot become an avatar"))
        self._stack = QStackedWidget()
        self.problem = QLabel()
        self.shapes: dict[Shape, IconButton] = {}
        self.ready = QPushButton(self.tr("Use this part"))
        self.reset = QPushButton(self.tr("Reset"))
        self.samples = [Sample(theme, AVATAR_BIG), Sample(theme, AVATAR)]
        self._soon = QTimer(self, singleShot=True, interval=30)
        self._soon.timeout.connect(self._show_samples)
        self._lay_out()
        self._loader = Loader(self)
        self._loader.loaded.connect(self._loaded)
        self._loader.load(str(path), MOST)
        self.canvas.changed.connect(self._soon.start)
        self.finished.connect(self._loader.stop)
        self.setAccessibleDescription(safe_name(path.name))
        self.resize(theme.px(CROPPER[0]), theme.px(CROPPER[1]))

    def choose(self, shape: Shape) -> None:
        """Cut out another shape."""
        self.shapes[shape].setChecked(True)
        self.canvas.set_shape(shape)

    def busy(self, busy: bool, problem: str = "") -> None:
        """It is being made, or why it could not be."""
        self.ready.setEnabled(not busy)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _loaded(self, path: str, decoded: Decoded) -> None:
        if decoded.fault is not None:
            self.fault.set_words(self.tr("This cannot become an avatar"), fault_words(decoded.fault))
            self._stack.setCurrentWidget(self.fault)
            return
        self._image = decoded.image
        self.canvas.set_picture(decoded.image, Shape.CIRCLE)
        self._stack.setCurrentWidget(self.canvas)
        self.ready.setEnabled(True)
        self.reset.setEnabled(True)
        self.canvas.setFocus()

    def _use(self) -> None:
        if not self._image.isNull():
            self.busy(True)
            self.cropped.emit(self._image, self.canvas.cut)

    def _show_samples(self) -> None:
        if not self._image.isNull():
            for sample in self.samples:
                sample.set_image(
                    render(self._image, self.canvas.cut, round(sample.width() * self.devicePixelRatioF()))
                )

    def _lay_out(self) -> None:
        names = {
            Shape.CIRCLE: ("circle", self.tr("Circle")),
            Shape.SQUARE: ("square", self.tr("Square")),
            Shape.ELLIPSE: ("ellipse", self.tr("Ellipse")),
            Shape.RECTANGLE: ("rectangle-horizontal", self.tr("Rectangle")),
        }
        group = QButtonGroup(self)
        tools = QHBoxLayout()
        tools.setContentsMargins(WIDE, SMALL, WIDE, SMALL)
        tools.setSpacing(TIGHT)
        for shape, (icon, name) in names.items():
            button = self.shapes[shape] = IconButton(self._theme, icon, name)
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, shape=shape: self.canvas.set_shape(shape))
            group.addButton(button)
            tools.addWidget(button)
        self.shapes[Shape.CIRCLE].setChecked(True)
        tools.addStretch()
        out = IconButton(self._theme, "zoom-out", self.tr("Zoom out"), shortcut="-")
        closer = IconButton(self._theme, "zoom-in", self.tr("Zoom in"), shortcut="+")
        out.clicked.connect(lambda: self.canvas.zoom_by(0.8, self.canvas.box().center()))
        closer.clicked.connect(lambda: self.canvas.zoom_by(1.25, self.canvas.box().center()))
        tools.addWidget(out)
        tools.addWidget(closer)
        self._stack.addWidget(self.canvas)
        self._stack.addWidget(self.fault)
        hint = QLabel(
            self.tr("Drag the part or its handles. Arrows move it, Ctrl and arrows change its size.")
        )
        hint.setProperty("role", "meta")
        hint.setWordWrap(True)
        below = QHBoxLayout()
        below.setSpacing(GAP)
        for sample in self.samples:
            below.addWidget(sample, 0, Qt.AlignmentFlag.AlignVCenter)
        below.addWidget(hint, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(SMALL)
        cancel = QPushButton(self.tr("Cancel"))
        cancel.clicked.connect(self.reject)
        self.reset.setAutoDefault(False)
        cancel.setAutoDefault(False)
        self.reset.clicked.connect(self.canvas.reset)
        self.reset.setEnabled(False)
        self.ready.setProperty("kind", "primary")
        self.ready.setDefault(True)
        self.ready.setEnabled(False)
        self.ready.clicked.connect(self._use)
        buttons.addWidget(self.reset)
        buttons.addStretch()
        buttons.addWidget(cancel)
        buttons.addWidget(self.ready)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("role", "danger")
        self.problem.setWordWrap(True)
        self.problem.hide()
        foot = QVBoxLayout()
        foot.setContentsMargins(WIDE, GAP, WIDE, WIDE)
        foot.setSpacing(GAP)
        foot.addLayout(below)
        foot.addWidget(self.problem)
        foot.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(tools)
        layout.addWidget(self._stack, 1)
        layout.addLayout(foot)


def write(path: Path, image: QImage, cut: Cut) -> bool:
    """Make the picture, and a PNG of it; whether that could be written. For a thread."""
    return render(image, cut).save(str(path))


def crop_with(theme: Theme, spool: Spool) -> Callable[[QWidget, Path, Callable[[Path], None]], None]:
    """What the settings call to have a picture cropped: over which window, which picture, and who is told the
    file it became.
    """

    def crop(parent: QWidget, path: Path, done: Callable[[Path], None]) -> None:
        dialog = CropDialog(theme, path, parent.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        made = AvatarPicture(spool)

        def use(image: QImage, cut: Cut) -> None:
            made.make(lambda target: write(target, image, cut))

        def told(file: Path) -> None:
            dialog.accept()
            done(file)

        dialog.cropped.connect(use)
        made.made.subscribe(told)
        made.failed.subscribe(lambda problem: dialog.busy(False, problem))
        dialog.open()

    return crop
