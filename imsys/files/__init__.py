"""Storage of files: sealed in segments, spooled during the upload, in a store when complete.

There is no wire format, no Twisted and no SQL here.
"""
