"""What pictures are shown on: OpenGL where a graphics card draws it, else Qt's own painting."""

from __future__ import annotations

import enum
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


class OpenGL(enum.Enum):
    """What draws OpenGL here."""

    NONE = "none"
    PROCESSOR = "processor"
    """Then ffmpeg's conversion and Qt's painting take a sixth of the work (``client.video.measuring``)."""
    CARD = "card"


_RENDERER = 0x1F01
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software", "swiftshader", "gdi generic", "basic render")
"""Of the names of those that need no graphics card: Mesa's, Apple's, Chromium's and Microsoft's."""


def drawn_by(renderer: str) -> OpenGL:
    """What a renderer of this name draws with."""
    name = renderer.casefold()
    return OpenGL.PROCESSOR if any(one in name for one in _SOFTWARE) else OpenGL.CARD


def opengl_here() -> OpenGL:
    """What this system has, if moderngl is installed; tried once without showing anything."""
    try:
        import moderngl  # noqa: F401
    except ImportError:
        return OpenGL.NONE
    context = QOpenGLContext()
    context.setFormat(wanted_format())
    if not context.create():
        return OpenGL.NONE
    found = context.format()
    if (found.majorVersion(), found.minorVersion()) < (3, 3):
        return OpenGL.NONE
    surface = QOffscreenSurface()
    surface.setFormat(found)
    surface.create()
    if not context.makeCurrent(surface):
        return OpenGL.NONE
    renderer = context.functions().glGetString(_RENDERER)
    context.doneCurrent()
    return drawn_by(str(renderer or ""))


class VideoArea(QWidget):
    """Shows frames, on the best surface there is; it takes care of giving them back.

    :param opengl: ``False``: never with OpenGL; ``True``: in any case; ``None``: where a graphics card draws it.
    """

    pixels_changed = Signal()
    """OpenGL has failed meanwhile: pictures are wanted as :attr:`pixels` says now."""

    def __init__(self, ground: QColor, parent: QWidget | None = None, *, opengl: bool | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._ground = ground
        self._frame: Frame | None = None
        here = opengl_here() if opengl is None else OpenGL.CARD if opengl else OpenGL.NONE
        self.spares_processor = here is OpenGL.PROCESSOR
        """Whether it does without OpenGL because that would be the processor's work too, and more of it."""
        self._surface: QWidget = self._opengl() if here is OpenGL.CARD else ImageSurface(ground, self)

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
