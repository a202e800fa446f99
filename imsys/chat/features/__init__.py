"""The services of the chat server, one file each.

Every module here is discovered as a service. It holds handlers made by :func:`imsys.server.dispatch.handles`;
their messages are in :mod:`imsys.protocols.messages`. Services do not import each other.
"""
