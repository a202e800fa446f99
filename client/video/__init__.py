"""Films and live streams: ffmpeg decodes and encodes in processes of its own, a clock paces, OpenGL (or else
Qt alone) shows.
"""
