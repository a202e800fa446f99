"""The frames of files: files in chunks on the resources port (70-79), beside the requests of the same
connection.
"""

from imsys.resources.frames.handler import FrameHandler

__all__ = ["FrameHandler"]
