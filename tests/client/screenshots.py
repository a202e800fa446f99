"""Pictures of every screen: ``python -m tests.client.screenshots FOLDER [WORD ...]``; with words, those alone
whose names hold one.

Light and dark, at one and two pixels a point, in English and Chinese, with the content of
:class:`client.core.memory.MemoryAccount`. Each ratio runs in a process of its own, because Qt reads it once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh_CN")
RATIOS = (1, 2)
WAIT_S, QUIET_S = 3.0, 0.2
"""A screen has so long to have all of its pictures, and is taken when it has not changed for so long."""

SETTINGS = ("account", "appearance", "notifications", "storage", "shortcuts", "about")
WIDE, USUAL, NARROW, SMALL = (1440, 800), (1100, 720), (420, 760), (520, 720)


def main() -> int:
    """Make them."""
    folder, words = Path(sys.argv[1]), sys.argv[2:]
    if ratio := os.environ.get("IMSYS_SCREENSHOT_RATIO"):
        make(folder, int(ratio), words)
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    for one in RATIOS:
        environ = {
            **os.environ,
            "IMSYS_SCREENSHOT_RATIO": str(one),
            "QT_SCALE_FACTOR": str(one),
            "TZ": "UTC",
            "LANG": "C.UTF-8",
        }
        environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        subprocess.run(
            [sys.executable, "-m", "tests.client.screenshots", str(folder), *words], env=environ, check=True
        )
    return 0


def make(folder: Path, ratio: int, words: list[str]) -> None:
    """Those of one ratio."""
    from client.platform.reactor import application, install

    app = application()
    app.setCursorFlashTime(0)
    install()
    from PySide6.QtCore import qInstallMessageHandler

    from client.platform.languages import translate
    from client.theme import Scheme, Theme

    qInstallMessageHandler(lambda kind, context, message: None)
    with tempfile.TemporaryDirectory() as scratch:
        for language in LANGUAGES:
            translate(app, language)
            for scheme in (Scheme.LIGHT, Scheme.DARK):
                for name, (size, build) in screens().items():
                    file = f"{name}-{language[:2]}-{scheme.value}{'@2x' if ratio == 2 else ''}.png"
                    if words and not any(word in file for word in words):
                        continue
                    theme = Theme(app, scheme=scheme)
                    theme.less_motion = True
                    take(app, build(theme, Path(scratch)), size, folder / file)
                    theme.deleteLater()
    os._exit(0)  # no thread of a picture is waited for


def take(app: Any, shown: tuple[Any, Callable[[], object]], size: tuple[int, int], file: Path) -> None:
    """Show a widget, do something with it, and grab it once it rests."""
    widget, act = shown
    widget.resize(*size)
    widget.show()
    widget.activateWindow()
    app.processEvents()
    act()
    began = changed = time.monotonic()
    before = None
    while time.monotonic() - began < WAIT_S and time.monotonic() - changed < QUIET_S:
        app.processEvents()
        now = widget.grab().toImage()
        if now != before:
            before, changed = now, time.monotonic()
        time.sleep(0.05)
    assert before is not None
    before.save(str(file))
    print(file, flush=True)
    widget.hide()
    for end in getattr(widget, "ends", ()):
        end()


Build = Callable[[Any, Path], tuple[Any, Callable[[], object]]]


def screens() -> dict[str, tuple[tuple[int, int], Build]]:
    """All of them: their sizes, and what makes them."""
    from client.core.model import Link

    def account(act: Callable[[Any], object], **more: Any) -> Build:
        return lambda theme, scratch: account_view(theme, scratch, act, **more)

    def page(name: str, **more: Any) -> Build:
        return lambda theme, scratch: sign_in(theme, name, **more)

    def settings(name: str) -> Build:
        return lambda theme, scratch: settings_dialog(theme, scratch, name)

    def away(view: Any) -> None:
        view.open(2)
        view.account.set_connection(
            Link.WAITING,
            "Nothing answers at the server's address; is it running?",
            view.account.now_ms + 4000,
        )

    return {
        "conversation": (USUAL, account(lambda view: view.open(1))),
        "group": (WIDE, account(lambda view: (view.open(30), view.show_details(True)))),
        "chinese": (USUAL, account(lambda view: view.open(3))),
        "transfers": (USUAL, account(away)),
        "hostile": (USUAL, account(lambda view: view.open(21))),
        "live": (USUAL, account(lambda view: view.open(4))),
        "nothing-open": (USUAL, account(lambda view: None)),
        "new-account": (USUAL, account(lambda view: None, empty=True)),
        "say-hello": (
            USUAL,
            account(
                lambda view: view.open(
                    next(one.id for one in view.account.conversations() if one.last is None)
                )
            ),
        ),
        "narrow-list": (NARROW, account(lambda view: None)),
        "narrow-conversation": (NARROW, account(lambda view: view.open(1))),
        "find": (
            USUAL,
            account(
                lambda view: (
                    view.open(1),
                    view.conversation.begin_find(),
                    view.conversation.find_bar.field.setText("the"),
                    view.conversation.find_bar.field._tell(),
                )
            ),
        ),
        "long-text": (
            USUAL,
            account(
                lambda view: (
                    view.open(1),
                    view.conversation.composer.set_text("word " * 1000),
                    view.conversation.composer.send(),
                )
            ),
        ),
        "switcher": (USUAL, account(lambda view: (view.open(1), view.switcher.begin()))),
        "search": (
            USUAL,
            account(lambda view: (view.open(1), view.list.search.setText("an"), view.list.search._tell())),
        ),
        "contacts": (USUAL, account(lambda view: (view.go("contacts"), view.show_profile(10002)))),
        "requests": (USUAL, account(lambda view: (view.go("contacts"), view.show_requests()))),
        "find-people": (USUAL, account(lambda view: (view.go("contacts"), view.find_people("carla")))),
        "large-texts": (USUAL, account(lambda view: (view._theme.set_scale(150), view.open(1)))),
        "sign-in-server": (SMALL, page("server", chosen=False)),
        "sign-in-certificate": (SMALL, page("certificate", untrusted=True)),
        "sign-in": (SMALL, page("sign in")),
        "sign-in-register": (SMALL, page("register")),
        "sign-in-reset": (SMALL, page("reset")),
        **{
            f"settings-{name}": ((760, 600), settings(name))
            for name in ("account", "appearance", "notifications", "storage", "shortcuts", "about")
        },
    }


def account_view(
    theme: Any, scratch: Path, act: Callable[[Any], object], *, empty: bool = False
) -> tuple[Any, Callable[[], object]]:
    """An account in its window."""
    from client.core.memory import NOW_MS, MemoryAccount
    from client.platform.settings import Settings
    from client.viewmodels.spool import Spool
    from client.views.main.account_view import AccountView
    from client.widgets.pictures import Pictures
    from tests.client.views.scene import at_once

    account = MemoryAccount(scratch, longest=2_000, empty=empty)
    pictures = Pictures()
    view: Any = AccountView(
        theme, pictures, account, Settings(None), Spool(scratch, at_once), now=lambda: NOW_MS
    )
    view.ends = (view.close_view, pictures.close)
    return view, lambda: act(view)


def sign_in(theme: Any, name: str, **more: Any) -> tuple[Any, Callable[[], object]]:
    """A page of the sign-in screens."""
    from client.core.memory_entering import MemoryEntering, check
    from client.viewmodels.sign_in import SignIn
    from client.views.sign_in import SignInView

    entering = MemoryEntering(**{"chosen": not more.get("untrusted"), **more})
    presenter = SignIn(entering, check)
    view: Any = SignInView(theme, presenter, address="https://chat.example.org:8443")

    def act() -> None:
        if more.get("untrusted"):
            presenter.choose("chat.example.org:8443")
            return
        forgotten = view.pages["forgotten"].fields
        forgotten["email"].set_text("lena@example.org")
        view.show_page(name)
        fields = view.pages[name].fields
        for field, text in (
            ("username", "lena"),
            ("email", "lena@example.org"),
            ("password", "correct horse"),
        ):
            if field in fields and name == "register":
                fields[field].set_text(text)
        if name == "register":
            fields["repeated"].edit.setText("correct")
            fields["repeated"].judge()
            entering.wait = 47
            entering.set(code_sent=True)

    view.ends = (view.close_view, presenter.close)
    return view, act


def settings_dialog(theme: Any, scratch: Path, name: str) -> tuple[Any, Callable[[], object]]:
    """A page of the settings."""
    from client.core.memory import MemoryAccount
    from client.platform.facts import facts, licences
    from client.platform.settings import Settings
    from client.viewmodels.own_profile import OwnProfile
    from client.viewmodels.work import run
    from client.views.settings import SettingsDialog
    from client.widgets.avatar import Avatars
    from client.widgets.pictures import Pictures

    account, pictures = MemoryAccount(scratch, longest=50), Pictures()
    avatars: Any = Avatars(theme, pictures)

    def have(file_id: str) -> None:
        async def find() -> None:
            avatars.provide(file_id, str(await account.avatar(file_id) or ""))

        run(find(), print)

    avatars.wanted.connect(have)
    about = [
        (key, "1.0" if at == 1 else value)
        for at, (key, value) in enumerate(facts("1.0", "https://chat.example.org:8443"))
    ][:3]
    dialog: Any = SettingsDialog(
        *(theme, Settings(None)),
        avatars=avatars,
        own=OwnProfile(account),
        tray=True,
        starts=False,
        folder="/home/lena/.local/share/imsys/accounts/5ac30e91",
        facts=about,
        licences=licences(),
    )
    dialog.ends = (pictures.close,)
    return dialog, lambda: dialog.show_page(name)


if __name__ == "__main__":
    sys.exit(main())
