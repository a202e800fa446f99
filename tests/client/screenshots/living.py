"""The life of messages, in a group."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QPointF

from client.core.memory_changing import quote
from client.core.model import Forward
from tests.client.screenshots.scene import USUAL, Shot, Stage, account

GROUP = 30


def living() -> dict[str, Shot]:
    """By name."""
    return {
        "conversation-living": Shot(USUAL, account(_answered)),
        "conversation-edit": Shot(USUAL, account(_edited)),
        "conversation-mention": Shot(USUAL, account(_mention)),
        "message-menu": Shot(USUAL, account(_menu, shown=lambda stage: stage.more.get("menu"))),
        "forward": Shot(USUAL, account(_forward)),
    }


def _said(stage: Stage) -> None:
    """A few messages with all that can become of them."""
    memory = stage.account
    people = next(one for one in memory.conversations() if one.id == GROUP).people
    anna, ben = people[0], people[1]
    plan = memory.receive(GROUP, "Shall we meet at the harbour at eight? I would bring the plans.", anna)
    memory.reacted(plan, "👍", on=True)
    memory.reacted(plan, "👍", on=True, mine=True)
    memory.reacted(plan, "🎉", on=True)
    late = memory.receive(GROUP, "Eight is too early for me.", ben)
    memory._put(replace(late, quote=quote(plan)))
    gone = memory.receive(GROUP, "x", ben)
    memory._put(replace(memory.now(gone), text="", recalled=True))
    sent = memory.receive(GROUP, "The ferry leaves at **nine**, from the north quay.", anna)
    memory._put(replace(memory.now(sent), forward=Forward(2, 1, people[2]), edited_ms=memory.now_ms))
    memory._put(replace(memory.now(plan), pinned=True))
    memory._pins[GROUP] = [sent.id, plan.id]
    mine = memory.advance(
        memory._send(GROUP, plan.kind, "Then let us say nine.", quote=quote(late)), plan.mark
    )
    memory.reacted(memory.now(mine), "❤️", on=True)
    stage.more["plan"], stage.more["mine"] = plan, memory.now(mine)
    stage.view.open(GROUP)


def _answered(stage: Stage) -> None:
    _said(stage)
    stage.view.conversation.living._answer(stage.more["plan"])


def _edited(stage: Stage) -> None:
    _said(stage)
    stage.view.conversation.living._edit(stage.more["mine"])


def _mention(stage: Stage) -> None:
    _said(stage)
    stage.view.conversation.composer.insert("Ask @")


def _forward(stage: Stage) -> None:
    _said(stage)
    stage.view._forward(stage.more["plan"])


def _menu(stage: Stage) -> None:
    _said(stage)
    messages = stage.view.conversation.messages
    messages.refresh()
    row = messages.rows.row(messages.rows.index[stage.more["mine"].key])
    menu = messages.input.menu_for(row, QPointF(-1, -1))
    menu.popup(QPoint(0, 0))
    stage.more["menu"] = menu
