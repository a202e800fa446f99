"""All screens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from client.core.memory import NOW_MS
from client.core.model import Kind, Link, Message
from client.core.model import Stage as Step
from tests.client.screenshots import dialogs, films
from tests.client.screenshots.devices import devices
from tests.client.screenshots.following import following
from tests.client.screenshots.living import living
from tests.client.screenshots.material import PHOTO
from tests.client.screenshots.scene import NARROW, SMALL, USUAL, WIDE, Shot, Stage, account
from tests.client.screenshots.together import together

ANNA, JONAS, WANG, LEE, MALLORY, GROUP = 1, 2, 3, 4, 21, 30
SETTINGS = ("account", "appearance", "notifications", "storage", "language", "shortcuts", "about")
UNREACHABLE = "Nothing answers at the server's address; is it running?"


def screens() -> dict[str, Shot]:
    """By name."""
    return {
        **_coming_in(),
        **_talking(),
        **living(),
        **together(),
        **following(),
        **devices(),
        **_finding(),
        **_files(),
        **_live(),
        **_odd(),
        **_others(),
    }


def _of(stage: Stage, username: str) -> int:
    """The conversation with somebody."""
    return next(
        one.id
        for one in stage.account.conversations()
        if len(one.people) == 1 and stage.account.person(one.people[0]).username == username
    )


def _coming_in() -> dict[str, Shot]:
    typed = {"username": "lena", "email": "lena@example.org", "password": "correct horse"}
    known = {"username": "lena", "password": "correct horse battery"}
    return {
        "sign-in-server": Shot(SMALL, dialogs.sign_in("server", chosen=False)),
        "sign-in-certificate": Shot(SMALL, dialogs.sign_in("certificate")),
        "sign-in-certificate-changed": Shot(SMALL, dialogs.sign_in("certificate", alarm=True)),
        "sign-in": Shot(SMALL, dialogs.sign_in("sign in")),
        "sign-in-server-down": Shot(SMALL, dialogs.sign_in("sign in", typed=known, refusal=UNREACHABLE)),
        "sign-in-register": Shot(SMALL, dialogs.sign_in("register", typed={**typed, "repeated": "correct"})),
        "sign-in-forgotten": Shot(SMALL, dialogs.sign_in("forgotten")),
        "sign-in-reset": Shot(SMALL, dialogs.sign_in("reset")),
    }


def _talking() -> dict[str, Shot]:
    def failed(stage: Stage) -> None:
        stage.view.open(JONAS)

    def away(link: Link) -> Any:
        def gone(stage: Stage) -> bool:
            if "gone" not in stage.more and len(stage.view.conversation.messages.look.previews) > 1:
                stage.more["gone"] = True  # its pictures are here
                for transfer in stage.account.transfers():
                    stage.account.set_transfer(replace(transfer, stage=Step.WAITING))
                reason = UNREACHABLE if link is Link.WAITING else ""
                stage.account.set_connection(link, reason, NOW_MS + 4000)
            return "gone" in stage.more

        return account(lambda stage: stage.view.open(JONAS), ready=gone)

    def signed_out(stage: Stage) -> None:
        stage.view.open(ANNA)
        stage.account.set_connection(
            Link.SIGNED_OUT,
            "You were signed out, because this account signed in somewhere else or signed this device out.",
        )

    def toast(stage: Stage) -> None:
        stage.view.open(ANNA)
        files = stage.view.files
        files._saved(_newest(stage, Kind.FILE, ANNA), stage.scratch / "Harbour plan 1897.pdf")

    def long_text(stage: Stage) -> None:
        stage.view.open(ANNA)
        stage.view.conversation.composer.set_text("The quay used to be where the market is now. " * 111)
        stage.view.conversation.composer.send()

    def emoji(stage: Stage) -> None:
        stage.view.open(ANNA)
        stage.view.conversation.composer.set_text("See you tomorrow ")
        stage.view.conversation.composer.open_emoji()

    def large(stage: Stage) -> None:
        stage.theme.set_scale(150)
        stage.view.open(ANNA)

    def written(stage: Stage) -> None:
        stage.view.open(ANNA)
        stage.view.conversation.composer.set_text("Ten it is")

    return {
        "conversation": Shot(USUAL, account(lambda stage: stage.view.open(ANNA))),
        "conversation-failed": Shot(USUAL, account(failed)),
        "conversation-code": Shot(USUAL, account(lambda stage: stage.view.open(_of(stage, "robot")))),
        "conversation-chinese": Shot(USUAL, account(lambda stage: stage.view.open(WANG))),
        "conversation-empty": Shot(USUAL, account(lambda stage: stage.view.open(_of(stage, "emma")))),
        "conversation-narrow": Shot(NARROW, account(written)),
        "group": Shot(WIDE, account(lambda stage: (stage.view.open(GROUP), stage.view.show_details(True)))),
        "list-narrow": Shot(NARROW, account(lambda stage: None)),
        "nothing-open": Shot(USUAL, account(lambda stage: None)),
        "new-account": Shot(USUAL, account(lambda stage: None, empty=True)),
        "connection-waiting": Shot(USUAL, away(Link.WAITING)),
        "connection-connecting": Shot(USUAL, away(Link.CONNECTING)),
        "connection-signed-out": Shot(USUAL, account(signed_out)),
        "toast": Shot(USUAL, account(toast)),
        "long-text": Shot(USUAL, account(long_text)),
        "emoji": Shot(USUAL, account(emoji)),
        "large-texts": Shot(USUAL, account(large)),
    }


def _finding() -> dict[str, Shot]:
    def find(stage: Stage) -> None:
        stage.view.open(ANNA)
        stage.view.conversation.begin_find()
        stage.view.conversation.find_bar.field.setText("the")
        stage.view.conversation.find_bar.field._tell()

    def search(stage: Stage) -> None:
        stage.view.open(ANNA)
        stage.view.list.search.setText("an")
        stage.view.list.search._tell()

    def requests(stage: Stage, *, none: bool = False) -> None:
        if none:
            stage.account._requests = []
            stage.account.changes.requests.fire(None)
        stage.view.go("contacts")
        stage.view.show_requests()

    return {
        "find": Shot(USUAL, account(find)),
        "search": Shot(USUAL, account(search)),
        "switcher": Shot(USUAL, account(lambda stage: (stage.view.open(ANNA), stage.view.switcher.begin()))),
        "details": Shot(WIDE, account(lambda stage: (stage.view.open(ANNA), stage.view.show_details(True)))),
        "profile": Shot(
            USUAL, account(lambda stage: (stage.view.go("contacts"), stage.view.show_profile(10002)))
        ),
        "requests": Shot(USUAL, account(requests)),
        "requests-none": Shot(USUAL, account(lambda stage: requests(stage, none=True))),
        "find-people": Shot(
            USUAL, account(lambda stage: (stage.view.go("contacts"), stage.view.find_people("carla")))
        ),
        "find-people-nobody": Shot(
            USUAL, account(lambda stage: (stage.view.go("contacts"), stage.view.find_people("carlo")))
        ),
    }


def _newest(stage: Stage, kind: Kind, conversation: int) -> Message:
    return next(one for one in stage.account._newest(conversation) if one.kind is kind)


def _files() -> dict[str, Shot]:
    def page(kind: str, text: str = "") -> Any:
        def act(stage: Stage) -> None:
            stage.view.go("files")
            if kind:
                stage.view.files.page.show_kind(kind)
            if text:
                stage.view.files.page.search.setText(text)
                stage.view.files.page.search._tell()

        return account(act)

    def send(stage: Stage) -> None:
        stage.view.open(ANNA)
        stage.view.conversation.composer.set_text("Two more, and the plan")
        plan = stage.scratch / "harbour-walk.gpx"
        plan.write_bytes(b"<gpx/>" * 2_900)
        stage.view.files.send([stage.scratch / PHOTO, plan])

    def viewer(stage: Stage) -> None:
        stage.view.open(ANNA)
        stage.view.files.look(_newest(stage, Kind.IMAGE, ANNA))

    return {
        "transfers": Shot(USUAL, account(lambda stage: stage.view.open(JONAS))),
        "send": Shot(USUAL, account(send, shown=lambda stage: stage.view.files.dialog)),
        "viewer": Shot(
            USUAL,
            account(
                viewer,
                shown=lambda stage: stage.view.files.viewer,
                ready=lambda stage: (
                    stage.view.files.viewer is not None and not stage.view.files.viewer.canvas.empty
                ),
            ),
        ),
        "files": Shot(USUAL, page("")),
        "files-pictures": Shot(USUAL, page("image")),
        "files-other": Shot(USUAL, page("file")),
        "files-none": Shot(USUAL, page("audio")),
        "files-not-found": Shot(USUAL, page("", "crocodile")),
        "crop": Shot((560, 600), dialogs.crop),
    }


def _live() -> dict[str, Shot]:
    return {
        "live": Shot(USUAL, account(lambda stage: stage.view.open(LEE))),
        "live-watching": Shot(USUAL, films.watching()),
        "live-own": Shot(USUAL, films.own()),
        "live-go": Shot(USUAL, films.go_live()),
        "film": Shot(USUAL, films.film()),
    }


def _odd() -> dict[str, Shot]:
    def hostile(at: int) -> Any:
        def act(stage: Stage) -> None:
            history = stage.account.history(MALLORY)
            first = len(history) - 19
            stage.view.open(MALLORY, at=history[first + at].id)

        return account(act)

    return {
        "hostile-texts": Shot(USUAL, hostile(1)),
        "hostile-long": Shot(USUAL, hostile(5)),
        "hostile-files": Shot(USUAL, account(lambda stage: stage.view.open(MALLORY))),
        "right-to-left": Shot(USUAL, account(lambda stage: stage.view.open(_of(stage, "yusuf"))), rtl=True),
        "right-to-left-group": Shot(
            WIDE, account(lambda stage: (stage.view.open(GROUP), stage.view.show_details(True))), rtl=True
        ),
    }


def _others() -> dict[str, Shot]:
    return {
        "notification": Shot((380, 136), dialogs.notification),
        **{f"settings-{name}": Shot((760, 600), dialogs.settings(name)) for name in SETTINGS},
    }
