"""What a server answers to the part of enhanced RTMP in a connect."""

from __future__ import annotations

from collections.abc import Mapping

from imsys.protocols.rtmp.amf0 import Value

_CODECS = 32
"""Codecs that a peer may name; fewer exist."""

_CAN_FORWARD = 4
"""Enhanced RTMP: what a codec's mask has for a server that passes it on."""

_CAPABILITIES = 2 | 4 | 8
"""Enhanced RTMP's capsEx: several tracks, modifiers and nanoseconds pass through.

Reconnecting when told is not known here.
"""


def extensions(request: Mapping[str, Value]) -> dict[str, Value]:
    """What of enhanced RTMP the peer has named, and passes through here."""
    found: dict[str, Value] = {}
    match request.get("fourCcList"):
        case list(codecs):
            found["fourCcList"] = [codec for codec in codecs[:_CODECS] if _is_codec(codec)]
    for name in ("videoFourCcInfoMap", "audioFourCcInfoMap"):
        match request.get(name):
            case dict(masks):
                found[name] = {codec: _CAN_FORWARD for codec in list(masks)[:_CODECS] if _is_codec(codec)}
    match request.get("capsEx"):
        case float(capabilities) if 0 <= capabilities <= 0xFF:
            found["capsEx"] = int(capabilities) & _CAPABILITIES
    return found


def _is_codec(name: Value) -> bool:
    return isinstance(name, str) and (name == "*" or len(name) == 4)
