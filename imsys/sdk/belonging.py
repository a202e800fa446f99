"""Which groups this user has come into and lost: told once, by a push or after it was missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from imsys.protocols.messages.catch_up import Parted
from imsys.protocols.messages.groups import GroupPush
from imsys.sdk import group_model
from imsys.sdk.entries import Logged, Membership
from imsys.sdk.group_model import GroupEvent, GroupNews
from imsys.sdk.inbox import Inbox
from imsys.sdk.signals import Signal


class Belonging:
    """Tells of each entry by which this user came into a group, or was in it no more, once.

    :param me: returns this user's uuid.
    """

    def __init__(self, inbox: Inbox, me: Callable[[], int]) -> None:
        self.on_group: Signal[GroupNews] = Signal()
        self._inbox = inbox
        self._me = me
        self._told: dict[int, int] = {}  # thread -> the last such entry

    def pushed(self, push: GroupPush) -> None:
        """Tell what push 138 says."""
        news = group_model.news(push)
        if news is None:
            return
        if news.event is GroupEvent.REMOVED:  # who leaves may hear of that before the answer brings the entry
            self._inbox.forget(news.thread_id)
        if not push.msg_id or self._is_news(news.thread_id, int(push.msg_id)):
            self.on_group.emit(news)

    def caught_up(self, item: Logged) -> None:
        """Tell of an entry that no push has brought, if somebody else has added this user by it."""
        if not isinstance(item, Membership) or item.mine or not item.joins(self._me()):
            return
        if self._is_news(item.thread_id, item.id):
            self.on_group.emit(
                GroupNews(thread_id=item.thread_id, event=GroupEvent.ADDED, by=item.actor, title=item.created)
            )

    def parted(self, groups: Sequence[Parted]) -> None:
        """Tell of groups that are this user's no more, or were not for a while, if this client knows them."""
        for one in sorted(groups, key=lambda one: int(one.msg_id)):
            thread_id, entry_id, by = int(one.thread_id), int(one.msg_id), int(one.by)
            if not self._inbox.knows_before(thread_id, entry_id):
                continue
            self._inbox.forget(thread_id)
            if self._is_news(thread_id, entry_id):
                event = GroupEvent.LEFT if by == self._me() else GroupEvent.REMOVED
                self.on_group.emit(GroupNews(thread_id=thread_id, event=event, by=by))

    def handled(self, item: Logged) -> None:
        """Forget a group when the application has heard that this user has left it here."""
        if not isinstance(item, Membership) or not item.mine or item.action != "left":
            return
        self._is_news(item.thread_id, item.id)
        if self._inbox.knows_before(item.thread_id, item.id):
            self._inbox.forget(item.thread_id)

    def _is_news(self, thread_id: int, entry_id: int) -> bool:
        if self._told.get(thread_id, 0) >= entry_id:
            return False
        self._told[thread_id] = entry_id
        return True
