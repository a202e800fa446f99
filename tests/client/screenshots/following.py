"""What others do now."""

from __future__ import annotations

from client.core.following import Activity
from tests.client.screenshots.scene import NARROW, USUAL, WIDE, Shot, Stage, account

ANNA, JONAS, GROUP = 1, 2, 30


def following() -> dict[str, Shot]:
    """By name."""
    return {
        "writing": Shot(USUAL, account(_one)),
        "writing-group": Shot(WIDE, account(_two)),
        "writing-narrow": Shot(NARROW, account(_several)),
        "last-seen": Shot(WIDE, account(_seen)),
    }


def _several(stage: Stage) -> None:
    memory = stage.account
    people = next(one for one in memory.conversations() if one.id == GROUP).people
    for uuid in people[:3]:
        memory.does(GROUP, uuid)
    memory.does(ANNA, 10002)
    memory.does(JONAS, 10003, Activity.SENDING)


def _one(stage: Stage) -> None:
    _several(stage)
    stage.view.open(ANNA)


def _two(stage: Stage) -> None:
    people = next(one for one in stage.account.conversations() if one.id == GROUP).people
    for uuid in people[:2]:
        stage.account.does(GROUP, uuid)
    stage.view.open(GROUP)


def _seen(stage: Stage) -> None:
    memory = stage.account
    one = next(
        one
        for one in memory.conversations()
        if len(one.people) == 1 and memory.person(one.people[0]).username == "tom"
    )
    stage.view.open(one.id)
    stage.view.show_details(True)
