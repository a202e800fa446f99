"""The services of the chat server, one file each.

A file here is a service: it is found by being here. It holds functions made
handlers by :func:`imsys.server.dispatch.handles`; their messages are in
:mod:`imsys.protocols.messages`. Services do not know each other.
"""
