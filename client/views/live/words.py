"""Sentences that the panels share."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def without_opengl() -> str:
    """Pictures are painted without the graphics card."""
    return QCoreApplication.translate(
        "Video", "OpenGL is not available: pictures are painted without it, and take more work."
    )
