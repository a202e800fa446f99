"""Privacy: what a user has set about who may do and see what."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Push, message


@message(141)
class PrivacyPush(Push, frozen=True, kw_only=True):
    """On another of my devices it was set who may add me to groups, or who sees when I am online."""

    added_by: str | UnsetType = UNSET
    seen_by: str | UnsetType = UNSET
