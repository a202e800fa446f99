"""What pictures are shown on: OpenGL where it works, else Qt's own painting."""

from __future__ import annotations

import logging

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QOffscreenSurface, QOpenGLContext, QSurfaceFormat
from PySide6.QtWidgets import QSizePolicy, QWidget

from client.video.commands import Pixels
from client.video.frames import Frame
from client.video.image_surface import ImageSurface

_log = logging.getLogger(__name__)


def wanted_format() -> QSurfaceFormat:
    """OpenGL 3.3, core: what moderngl needs at least."""
    made = QSurfaceFormat()
    made.setVersion(3, 3)
    made.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    made.setSwapInterval(1)
    return made


def opengl_works() -> bool:
    """Whether this system has it, and moderngl is installed; tried once without showing anything."""
    try:
        import moderngl  # noqa: F401
    except ImportError:
        return False
    context = QOpenGLContext()
    context.setFormat(wanted_format())
    if not context.create():
        return False
    found = context.format()
    if (found.majorVersion(), found.minorVersion()) < (3, 3):
        return False
    surface = QOffscreenSurface()
    surface.setFormat(found)
    surface.create()
    works = context.makeCurrent(surface)
    if works:
        context.doneCurrent()
    return works


class VideoArea(QWidget):
    """Shows frames, on the best surface there is; it takes care of giving them back.

    :param opengl: ``False``: never with OpenGL; ``None``: where it works.
    """

    pixels_changed = Signal()
    """OpenGL has failed meanwhile: pictures are wanted as :attr:`pixels` says now."""

    def __init__(self, ground: QColor, parent: QWidget | None = None, *, opengl: bool | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._ground = ground
        self._frame: Frame | None = None
        works = opengl_works() if opengl is None else opengl
        self._surface: QWidget = self._opengl() if works else ImageSurface(ground, self)

    def _opengl(self) -> QWidget:
        from client.video.gl_surface import GlSurface

        made = GlSurface(self._ground, wanted_format(), self)
        made.failed.connect(self._fall_back)
        return made

    @property
    def pixels(self) -> Pixels:
        """How pictures are wanted."""
        return Pixels.RGB if isinstance(self._surface, ImageSurface) else Pixels.YUV

    @property
    def surface(self) -> QWidget:
        """What is painted on."""
        return self._surface

    @property
    def shows(self) -> bool:
        """Whether there is a picture."""
        return self._frame is not None

    def show_frame(self, frame: Frame) -> None:
        """Show this one until the next."""
        before, self._frame = self._frame, frame
        if frame.shape.pixels is self.pixels:
            self._surface.set_frame(frame)  # type: ignore[attr-defined]
        if before is not None:
            before.release()

    def clear(self) -> None:
        """Show nothing."""
        before, self._frame = self._frame, None
        self._surface.set_frame(None)  # type: ignore[attr-defined]
        if before is not None:
            before.release()

    def _fall_back(self, why: str) -> None:
        _log.warning("OpenGL does not work here, pictures are painted without it: %s", why)
        before, self._surface = self._surface, ImageSurface(self._ground, self)
        before.hide()
        before.deleteLater()
        self._surface.setGeometry(self.rect())
        self._surface.show()
        self.pixels_changed.emit()

    def resizeEvent(self, event: object) -> None:
        self._surface.setGeometry(self.rect())
