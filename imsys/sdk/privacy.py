"""What a user has set about who may do and see what."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET

from imsys.protocols.messages.privacy import PrivacyPush
from imsys.sdk.group_model import AddedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyChange:
    """Another device of this user's has set one of these; the other is ``None``.

    ``seen_by`` is ``everybody``, ``friends`` or ``nobody``, as of :meth:`imsys.sdk.Watching.seen_by`.
    """

    added_by: AddedBy | None = None
    seen_by: str | None = None


def change(push: PrivacyPush) -> PrivacyChange | None:
    """Read a push; ``None``: this library does not know what was set."""
    words = {one.value: one for one in AddedBy}
    added_by = words.get(push.added_by) if push.added_by is not UNSET else None
    seen_by = push.seen_by if push.seen_by is not UNSET else None
    return PrivacyChange(added_by=added_by, seen_by=seen_by) if added_by or seen_by else None
