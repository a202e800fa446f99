"""Messages that come are told on the desktop, taken back when they are read, and answered from there."""

from __future__ import annotations

import time
from collections.abc import Collection
from functools import partial

from client.core.model import Message
from client.platform.notifications import Notice, Notifier
from client.shell.context import Context
from client.shell.open_accounts import OpenAccounts, Opened
from client.translations.tr import tr
from client.viewmodels.telling import telling
from client.widgets.messages.words import content_line


class Notifications:
    """Joins the accounts that are open with the desktop's notifications."""

    def __init__(self, context: Context, accounts: OpenAccounts, notifier: Notifier) -> None:
        self._context = context
        self._accounts = accounts
        self._notifier = notifier
        notifier.activated.connect(self._activated)
        notifier.replied.connect(self._replied)
        accounts.opened.subscribe(self._opened)

    def _opened(self, opened: Opened) -> None:
        changes = opened.account.changes
        changes.arrived.subscribe(partial(self._arrived, opened))
        changes.conversations.subscribe(partial(self._changed, opened))

    def _arrived(self, opened: Opened, messages: list[Message]) -> None:
        context = self._context
        seen = context.window.isActiveWindow() and self._accounts.front is opened
        told = telling(
            opened.account,
            messages,
            context.settings.value,
            int(time.time() * 1000),
            content_line,
            seen=opened.view.current if seen else 0,
            hidden=tr("New message"),
        )
        if told is None:
            return

        async def tell() -> None:
            picture = await opened.account.avatar(told.avatar) if told.avatar else None
            target = _target(opened, told.conversation)
            self._notifier.show(
                Notice(target, told.title, told.text, str(picture or ""), told.sound, tr("Reply"))
            )

        context.run(tell())
        context.application.alert(context.window)

    def _changed(self, opened: Opened, conversations: Collection[int]) -> None:
        for one in conversations:
            about = opened.account.conversation(one)
            if about is not None and not about.unread:
                self._notifier.withdraw(_target(opened, one))

    def _find(self, target: str) -> tuple[Opened, int] | None:
        entry, _, conversation = target.partition("/")
        opened = self._accounts.find(entry)
        return (opened, int(conversation)) if opened is not None and conversation.isdecimal() else None

    def _activated(self, target: str) -> None:
        found = self._find(target)
        self._context.window.to_front()
        if found is not None:
            opened, conversation = found
            self._accounts.to_front(opened)
            opened.view.open(conversation)

    def _replied(self, target: str, text: str) -> None:
        found = self._find(target)
        if found is not None:
            self._context.run(_reply(*found, text))


async def _reply(opened: Opened, conversation: int, text: str) -> None:
    """Whoever answers has read."""
    await opened.account.send_text(conversation, text)
    about = opened.account.conversation(conversation)
    if about is not None and about.last is not None and about.last.id:
        await opened.account.mark_read(conversation, about.last.id)


def _target(opened: Opened, conversation: int) -> str:
    """Names a conversation to the desktop."""
    return f"{opened.entry.id}/{conversation}"
