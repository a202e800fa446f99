"""RTMP without sockets: bytes in, events and bytes out (Adobe's *RTMP specification* 1.0, and *Enhanced RTMP*
v2 for codecs by FourCC).

From the bottom up:

- ``handshake``: the 3,073 bytes that each side sends first;
- ``chunks``: bytes to messages and back; ``encode_media`` makes bytes that suit every player;
- ``amf0``: values of commands and metadata;
- ``messages``: what the message types mean: control, commands, data, aggregates;
- ``link``: what both sides of a connection do alike: handshake, chunks, acknowledgements, pings;
- ``server`` and ``client``: one connection as its server or its client sees it.

Whatever a peer does wrong is an :class:`imsys.errors.PeerFault`, whose text holds nothing that the peer has
named: no stream, no key.
"""
