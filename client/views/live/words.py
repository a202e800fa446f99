"""Sentences that the panels share."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from client.video.commands import Pixels
from client.video.surface import VideoArea


def without_opengl(area: VideoArea) -> str:
    """Why pictures are painted without the graphics card; empty: they are not."""
    if area.pixels is Pixels.YUV:
        return ""
    if area.spares_processor:
        return QCoreApplication.translate(
            "Video",
            "No graphics card draws OpenGL here: pictures are painted without it, which is less work.",
        )
    return QCoreApplication.translate(
        "Video", "OpenGL is not available: pictures are painted without it, and take more work."
    )
