"""Groups, channels, reactions and mentions, and times to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu

from client.core.groups import MEMBER
from client.core.lifelike.people import ME
from client.core.model import Message
from client.core.notices import Notice
from client.core.timed import DAY, HOUR
from client.widgets.button import IconButton
from tests.client.screenshots.scene import USUAL, WIDE, Shot, Stage, account

ANNA, GROUP, CHANNEL = 1, 30, 31
TALL = (1100, 900)


def together() -> dict[str, Shot]:
    """By name."""
    return {
        "react": Shot(USUAL, account(_react, ready=_bar)),
        "reactors": Shot(
            (340, 400), account(_reactors, shown=lambda stage: stage.view.conversation.living.reactors)
        ),
        "mentioned": Shot(USUAL, account(_mentioned)),
        "mention-below": Shot(USUAL, account(_below)),
        "group-new": Shot(TALL, account(_create)),
        "group-settings": Shot(TALL, account(_settings)),
        "group-members": Shot((1440, 900), account(_members)),
        "group-member-menu": Shot(
            (260, 300), account(_member_menu, shown=lambda stage: stage.more.get("menu"))
        ),
        "group-remove": Shot(
            (440, 180), account(_remove, shown=lambda stage: stage.view.details.group.question)
        ),
        "group-hand-over": Shot(
            (440, 520), account(_hand_over, shown=lambda stage: stage.view.details.group.heir)
        ),
        "group-notices": Shot(USUAL, account(_notices)),
        "group-muted": Shot(USUAL, account(_become(silent_until_ms=HOUR * 1000, role=MEMBER))),
        "group-removed": Shot(WIDE, account(_removed)),
        "channel": Shot(USUAL, account(lambda stage: stage.view.open(CHANNEL))),
        "group-invitations": Shot(USUAL, account(_invitations)),
        "group-link": Shot(USUAL, account(_link)),
        "send-later": Shot(
            (440, 380), account(_later, shown=lambda stage: stage.view.conversation.later.when)
        ),
        "sent-later": Shot(
            (440, 520), account(_waiting, shown=lambda stage: stage.view.conversation.later.list)
        ),
        "sent-later-waits": Shot(USUAL, account(_waits)),
        "timer": Shot(WIDE, account(_timer)),
        "timer-menu": Shot((300, 300), account(_timer_menu, shown=lambda stage: stage.more.get("menu"))),
    }


def _said(stage: Stage) -> Message:
    memory = stage.account
    plan = memory.receive(GROUP, "Cake at four, at the boathouse. Who brings plates?", 10002)
    for emoji, whose in (("👍", 3), ("🎂", 2), ("😮", 1)):
        for _ in range(whose):
            memory.reacted(plan, emoji, on=True)
    memory.reacted(memory.now(plan), "🎂", on=True, mine=True)
    stage.view.open(GROUP)
    stage.view.conversation.messages.refresh()
    return memory.now(plan)


def _react(stage: Stage) -> None:
    plan = _said(stage)
    stage.view.conversation.messages.reaction_bar._show(plan.key)
    stage.more["key"] = plan.key


def _bar(stage: Stage) -> bool:
    bar = stage.view.conversation.messages.reaction_bar
    if not bar.isVisible():
        bar._show(stage.more["key"])
    return bool(bar.isVisible())


def _reactors(stage: Stage) -> None:
    plan = _said(stage)
    stage.view.conversation.presenter.ask_reactors(plan, "🎂")


def _mentioned(stage: Stage) -> None:
    memory = stage.account
    for text, sender, whom in (
        ("@tom and I come by train.", 10002, (10006,)),
        ("@lena could you bring the plates? And ask @anna for the big table.", 10006, (ME.uuid, 10002)),
        ("@all: it rains, so we meet inside.", 10030, (0,)),
    ):
        memory._put(replace(memory.receive(GROUP, text, sender), mentions=whom))
    stage.view.open(GROUP)


def _below(stage: Stage) -> None:
    _mentioned(stage)
    for text in ("Which train?", "The one at three.", "Then I come along.", "And I bring the cups.") * 3:
        stage.account.receive(GROUP, text, 10006)
    stage.view.conversation.messages.refresh()
    stage.view.conversation.messages.scroll_by(-1500)


def _create(stage: Stage) -> None:
    stage.view.go("contacts")
    stage.view.groups.new()
    page = stage.view.groups.create
    page.name.setText("Harbour walk")
    for row in (0, 2):
        page.picking._turn(page.picking.rows.item(row))


def _settings(stage: Stage) -> None:
    _details(stage)
    groups = stage.view.groups
    groups._settings()
    groups.groups.create_link(GROUP, 7 * DAY, 10, True)


def _details(stage: Stage) -> None:
    stage.view.open(GROUP)
    stage.view.show_details(True)


def _members(stage: Stage) -> None:
    members = stage.account._members[GROUP]
    until = stage.account.now_ms + HOUR * 1000
    stage.account._members[GROUP] = [
        replace(one, muted_until_ms=until) if one.uuid == 10030 else one for one in members
    ]
    _details(stage)


def _menu_of(stage: Stage) -> QMenu:
    _details(stage)
    pane = stage.view.details.group
    button: Any = pane.cards[10006].findChild(IconButton)
    menu: QMenu = button.findChild(QMenu)
    return menu


def _member_menu(stage: Stage) -> None:
    menu = _menu_of(stage)
    menu.popup(QPoint(0, 0))
    stage.more["menu"] = menu


def _remove(stage: Stage) -> None:
    menu = _menu_of(stage)
    menu.actions()[-1].trigger()


def _hand_over(stage: Stage) -> None:
    _details(stage)
    stage.view.details.group.leave.click()
    stage.view.details.group.heir.rows.setCurrentRow(0)


def _notices(stage: Stage) -> None:
    memory = stage.account
    memory.happened(GROUP, 10002, Notice("joined", (10030, 10031)))
    memory.happened(GROUP, ME.uuid, Notice("admin", (10006,)))
    memory.happened(GROUP, 10006, Notice("title", (), "Sunday cake"), Notice("picture"))
    memory.receive(GROUP, "Welcome, both of you!", 10006)
    memory.happened(GROUP, 10006, Notice("muted", (10031,), str(memory.now_ms + HOUR * 1000)))
    memory.happened(GROUP, ME.uuid, Notice("timer", (), str(DAY)))
    memory.happened(GROUP, 10032, Notice("left", (10032,)))
    stage.view.open(GROUP)


def _become(**what: Any) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        memory = stage.account
        about = memory.conversation(GROUP)
        assert about is not None
        if "silent_until_ms" in what:
            memory._set(
                replace(about, role=what["role"], silent_until_ms=memory.now_ms + what["silent_until_ms"])
            )
        stage.view.open(GROUP)

    return act


def _removed(stage: Stage) -> None:
    _details(stage)
    stage.account.lose(GROUP)


def _invitations(stage: Stage) -> None:
    stage.view.go("contacts")
    stage.view.show_requests()


def _link(stage: Stage) -> None:
    stage.view.go("contacts")
    stage.view.find_people()
    join = stage.view.groups.join
    join.field.setText("k3Zx9_mQp2LrT7-vYw1a10")
    join.button.click()


def _schedule(stage: Stage) -> None:
    stage.view.open(ANNA)
    later = stage.view.conversation.later
    for text, hours in (
        ("Good morning! Are you up?", 22),
        ("Do not forget the tripod, and the key for the shed.", 23),
    ):
        later.presenter.add(text, stage.account.now_ms + hours * HOUR * 1000)


def _later(stage: Stage) -> None:
    stage.view.open(ANNA)
    stage.view.conversation.composer.set_text("Good morning! Are you up?")
    stage.view.conversation.composer.send_later()


def _waiting(stage: Stage) -> None:
    _schedule(stage)
    stage.view.conversation.later.show_list()


def _waits(stage: Stage) -> None:
    _schedule(stage)
    stage.view.conversation.composer.set_text("")


def _timer(stage: Stage) -> None:
    stage.view.open(ANNA)
    stage.view.show_details(True)
    stage.view.conversation.later.presenter.set_timer(DAY)


def _timer_menu(stage: Stage) -> None:
    _timer(stage)
    menu = stage.view.conversation.later.timer_menu(stage.view)
    menu.popup(QPoint(0, 0))
    stage.more["menu"] = menu
