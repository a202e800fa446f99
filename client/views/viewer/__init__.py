"""Looking at pictures."""

from client.views.viewer.window import Viewer

__all__ = ["Viewer"]
