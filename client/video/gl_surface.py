"""Pictures by OpenGL: three planes are uploaded as they are, and a shader makes colours of them."""

from __future__ import annotations

from typing import Any

import moderngl
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QSurfaceFormat
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget

from client.video.frames import Frame, Shape
from client.video.image_surface import fitted

_VERTEX = """
#version 330 core
out vec2 place;
void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    place = vec2(corner.x, 1.0 - corner.y);
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
"""

_FRAGMENT = """
#version 330 core
in vec2 place;
out vec4 colour;
uniform sampler2D light;
uniform sampler2D blue;
uniform sampler2D red;
uniform mat3 matrix;
uniform vec3 zero;
uniform float shift;
void main() {
    vec2 tint = place + vec2(shift, 0.0);
    vec3 samples = vec3(texture(light, place).r, texture(blue, tint).r, texture(red, tint).r);
    colour = vec4(clamp(matrix * (samples - zero), 0.0, 1.0), 1.0);
}
"""


class GlSurface(QOpenGLWidget):
    """Paints frames of YUV 4:2:0."""

    failed = Signal(str)
    """OpenGL does not do what it should."""

    def __init__(self, ground: QColor, format: QSurfaceFormat, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFormat(format)
        self._ground = ground
        self._frame: Frame | None = None
        self._fresh = False
        self._context: Any = None
        self._program: Any = None
        self._corners: Any = None
        self._textures: list[Any] = []
        self._shape: Shape | None = None
        self._broken = False

    def set_frame(self, frame: Frame | None) -> None:
        """Show this one; it is uploaded when it is painted."""
        self._frame, self._fresh = frame, frame is not None
        self.update()

    def initializeGL(self) -> None:
        """There is a context: at the beginning, and again when the widget has moved to another window."""
        self._textures, self._shape, self._fresh = [], None, self._frame is not None
        try:
            self._context = moderngl.create_context(require=330)
            self._program = self._context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
            for unit, name in enumerate(("light", "blue", "red")):
                self._program[name].value = unit
            self._corners = self._context.vertex_array(self._program, [])
        except Exception as error:
            self._fail(error)

    def paintGL(self) -> None:
        if self._context is None or self._broken:
            return
        try:
            self._paint()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._broken:
            self._broken = True
            self.failed.emit(f"{type(error).__name__}: {error}")

    def _paint(self) -> None:
        context, ratio, frame = self._context, self.devicePixelRatioF(), self._frame
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        target = context.detect_framebuffer(self.defaultFramebufferObject())
        target.use()
        context.enable_only(moderngl.NOTHING)
        target.viewport = (0, 0, width, height)
        context.clear(self._ground.redF(), self._ground.greenF(), self._ground.blueF(), 1.0)
        if frame is None:
            return
        if self._fresh:
            self._upload(frame)
        place = fitted(frame.shape.width, frame.shape.height, width, height)
        target.viewport = (
            round(place.x()),
            round(place.y()),
            max(1, round(place.width())),
            max(1, round(place.height())),
        )
        # then the nearest is all there is to mix, for less
        exact = target.viewport[2:] == (frame.shape.width, frame.shape.height)
        self._textures[0].filter = (
            (moderngl.NEAREST, moderngl.NEAREST) if exact else (moderngl.LINEAR, moderngl.LINEAR)
        )
        for unit, texture in enumerate(self._textures):
            texture.use(unit)
        self._corners.render(moderngl.TRIANGLE_STRIP, vertices=4)

    def _upload(self, frame: Frame) -> None:
        shape = frame.shape
        if shape != self._shape:
            self._prepare(shape)
        for texture, plane in zip(self._textures, frame.planes(), strict=True):
            texture.write(plane)
        self._fresh = False

    def _prepare(self, shape: Shape) -> None:
        """Textures and numbers for another film."""
        for texture in self._textures:
            texture.release()
        half = (shape.width // 2, shape.height // 2)
        self._textures = [
            self._context.texture(size, 1, alignment=1) for size in ((shape.width, shape.height), half, half)
        ]
        for texture in self._textures:
            texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
            texture.repeat_x = texture.repeat_y = False
        matrix, zero = shape.colour.coefficients()
        self._program["matrix"].value = matrix
        self._program["zero"].value = zero
        self._program["shift"].value = 0.25 / half[0]  # colour is measured at the left one of each two
        self._shape = shape
