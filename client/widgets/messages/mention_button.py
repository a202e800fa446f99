"""The way to what mentions me and was not seen yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.core.living import mentions
from client.widgets.messages.down import DownButton

if TYPE_CHECKING:
    from client.widgets.messages.view import MessageList


class MentionButton(DownButton):
    """Above the way down, while there is something; a press leads to the first one."""

    glyph = "at-sign"

    def words(self) -> str:
        return self.tr("To the next message that mentions you")


def unseen(view: MessageList, read: int) -> list[int]:
    """The ids of messages of the window that mention me, come after ``read``, and are below what is seen."""
    seen = view.scroller.seen()
    below = view.rows.messages[seen[-1] + 1 :] if len(seen) else ()
    return [one.id for one in below if one.id > read and one.mentions and mentions(one, view.look.me)]
