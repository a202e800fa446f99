"""A couple of dozen conversations with their histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from client.core.lifelike import texts
from client.core.lifelike.history import History, Recipe, document, picture
from client.core.lifelike.people import FRIENDS, ME, MEMBERS
from client.core.model import (
    Attachment,
    Conversation,
    ConversationKind,
    Kind,
    Mark,
    Message,
    Reaction,
    Stage,
    Stream,
    Transfer,
)

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LONG = 1
"""The conversation whose history is the longest."""
HOSTILE = 21
GROUP = 30
CHANNEL = 31
UNREAD = {3: 3, 6: 1, 10: 128, GROUP: 2, CHANNEL: 12, 13: 1}
"""Messages that were not read yet, by conversation."""


@dataclass(slots=True)
class Life:
    """All of it."""

    conversations: dict[int, Conversation]
    histories: dict[int, History]
    transfers: dict[str, Transfer]
    streams: dict[str, Stream]


def _end(
    history: History,
    conversation: int,
    people: Sequence[int],
    lines: Sequence[tuple[int, str]],
    end_ms: int,
    mark: Mark = Mark.READ,
) -> None:
    """Put written lines at the end: the number of who says it (in a private one 1 is me), and the text."""
    at_ms = end_ms - sum(70_000 if number % 5 else 12 * MINUTE for number in range(len(lines)))
    for number, (who, text) in enumerate(lines):
        at_ms += 70_000 if number % 5 else 12 * MINUTE
        sender = people[who]
        mine = sender == ME.uuid
        kind, attachment = Kind.TEXT, None
        if text.startswith("photo:"):
            kind, text, attachment = Kind.IMAGE, text[6:], picture(conversation * 7 + number)
        elif text.startswith("file:"):
            kind, text, attachment = Kind.FILE, "", document(int(text[5:]))
        new = history.next_id()
        history.put(
            Message(
                f"#{new}",
                conversation,
                sender,
                at_ms,
                kind,
                text,
                new,
                mine,
                mark if mine else Mark.STORED,
                attachment=attachment,
            )
        )


def build(now_ms: int, longest: int) -> Life:
    """Everything, as of a time; the longest history has so many messages."""
    life = Life({}, {}, {}, {})
    for number, friend in enumerate(FRIENDS, 1):
        ago = (
            (3 * MINUTE, 20 * MINUTE, HOUR, 3 * HOUR, 9 * HOUR)[number - 1]
            if number <= 5
            else (number - 5) * 21 * HOUR
        )
        chinese = 95 if friend.uuid in (10004, 10011, 10018) else 5
        made = longest if number == LONG else 0 if friend.username == "emma" else 40 + number * 37
        history = History(
            Recipe(number, (ME.uuid, friend.uuid), now_ms - ago - DAY, chinese), min(made, longest)
        )
        lines = {
            "anna": texts.ANNA,
            "wangfang": texts.WANG,
            "robot": texts.BOT,
            "mum": texts.MUM,
            "yusuf": texts.YUSUF,
            "mallory": texts.HOSTILE,
        }
        if friend.username in lines:
            _end(history, number, (friend.uuid, ME.uuid), lines[friend.username], now_ms - ago)
        life.histories[number] = history
        life.conversations[number] = Conversation(
            number, ConversationKind.PRIVATE, friend.name, (friend.uuid,), friend.avatar
        )
    group = History(
        Recipe(GROUP, (ME.uuid, 10002, 10006, 10030, 10032), now_ms - DAY, 20), min(4_000, longest)
    )
    _end(group, GROUP, (ME.uuid, 10002, 10006, 10030), texts.GROUP, now_ms - 30 * MINUTE)
    channel = History(Recipe(CHANNEL, (10030, 10030), now_ms - 2 * DAY, 0, DAY), min(60, longest))
    life.histories |= {GROUP: group, CHANNEL: channel}
    members = (10002, 10006, *(person.uuid for person in MEMBERS))
    life.conversations[GROUP] = Conversation(GROUP, ConversationKind.GROUP, "Sunday cake", members)
    life.conversations[CHANNEL] = Conversation(
        CHANNEL, ConversationKind.CHANNEL, "Harbour museum news", (10030,)
    )
    _hostile_files(life, now_ms)
    _under_way(life, now_ms)
    _stream(life, now_ms)
    _standing(life, now_ms)
    return life


def _hostile_files(life: Life, now_ms: int) -> None:
    history = life.histories[HOSTILE]
    for number, name in enumerate(texts.HOSTILE_NAMES):
        new = history.next_id()
        attachment = Attachment(
            name, (1 << 62, 0, 17)[number % 3], "image/png" if number % 2 else "", f"bad-{number}", "0" * 64
        )
        kind = Kind.IMAGE if number % 2 else Kind.FILE
        history.put(
            Message(
                f"#{new}",
                HOSTILE,
                10022,
                now_ms - 16 * 21 * HOUR + number * 1000,
                kind,
                "",
                new,
                attachment=attachment,
            )
        )


def _under_way(life: Life, now_ms: int) -> None:
    """Texts that wait and failed, files on their way, reactions, a recalled message."""
    history = life.histories[2]

    def mine(number: int, text: str, mark: Mark) -> Message:
        return Message(
            f"sample-{number}", 2, ME.uuid, now_ms - (20 - number) * MINUTE, Kind.TEXT, text, 0, True, mark
        )

    photo = Attachment("IMG_4711.jpg", 3_481_220, "image/jpeg", "", "", "picture-7", 1600, 1067)
    video = Attachment(
        "crane at dawn.mp4", 182_400_113, "video/mp4", thumbnail="picture-12", width=1920, height=1080
    )
    history.put(
        replace(mine(1, "The wifi on this train is something else.", Mark.STORED), id=history.next_id())
    )
    history.put(replace(mine(2, "It comes and goes", Mark.DELIVERED), id=history.next_id()))
    history.put(replace(mine(3, "Did you get the last one?", Mark.FAILED), failure="You are not friends."))
    history.put(replace(mine(4, "The dawn one", Mark.WAITING), kind=Kind.IMAGE, attachment=photo))
    history.put(replace(mine(5, "", Mark.WAITING), kind=Kind.VIDEO, attachment=video))
    history.put(mine(6, "I will try again at the next station", Mark.WAITING))
    plan = next(history[index] for index in range(len(history)) if history[index].kind is Kind.FILE)
    assert plan.attachment is not None
    for transfer in (
        Transfer("sample-4", 2, "IMG_4711.jpg", True, photo.size, 2_210_000, Stage.MOVING, 412_000.0),
        Transfer("sample-5", 2, "crane at dawn.mp4", True, video.size, 60_100_000, Stage.PAUSED),
        Transfer(
            plan.key,
            2,
            plan.attachment.filename,
            False,
            plan.attachment.size,
            plan.attachment.size // 3,
            Stage.FAILED,
            problem="The connection was lost.",
        ),
    ):
        life.transfers[transfer.key] = transfer
    group = life.histories[GROUP]
    cake = group[len(group) - 5]
    group.put(replace(cake, reactions=(Reaction("🎂", 3, True), Reaction("😱", 1, False))))
    group.put(replace(group[len(group) - 9], recalled=True, text=""))


def _stream(life: Life, now_ms: int) -> None:
    history = life.histories[4]
    new = history.next_id()
    history.put(
        Message(
            f"#{new}",
            4,
            10005,
            now_ms - 3 * HOUR,
            Kind.LIVE,
            "Sunrise from the ridge, live",
            new,
            stream="live-1",
        )
    )
    life.streams["live-1"] = Stream(
        "live-1",
        4,
        10005,
        "Sunrise from the ridge, live",
        viewers=14,
        play_url="rtmp://127.0.0.1:1935/live/sample",
        watch_url="https://127.0.0.1:8443/live/sample",
    )
    life.conversations[4] = replace(life.conversations[4], live="live-1")


def _standing(life: Life, now_ms: int) -> None:
    """Unread messages, pins, drafts: what the rows show."""
    ways: dict[int, dict[str, Any]] = {
        1: {"pinned": True},
        GROUP: {"pinned": True, "mentioned": True},
        CHANNEL: {"muted_until_ms": -1},
        7: {"draft": "About the trip: I would "},
        8: {"muted_until_ms": -1},
        17: {"archived": True},
        22: {"archived": True, "muted_until_ms": -1},
    }
    for number, conversation in life.conversations.items():
        history = life.histories[number]
        read = max((history[index].id for index in range(max(0, len(history) - 30), len(history))), default=0)
        unread = UNREAD.get(number, 0)
        for back in range(unread):
            text = (texts.CHINESE if number == 3 else texts.ENGLISH)[(number * 5 + back) % 20]
            new = history.next_id()
            at_ms = now_ms - number % 28 * 4 * MINUTE - (unread - back) * 40_000
            history.put(
                Message(
                    f"#{new}",
                    number,
                    conversation.people[back % len(conversation.people)],
                    at_ms,
                    Kind.TEXT,
                    text,
                    new,
                )
            )
        last = history[len(history) - 1] if len(history) else None
        life.conversations[number] = replace(
            conversation,
            last=last,
            unread=unread,
            read=read,
            **ways.get(number, {}),
        )
