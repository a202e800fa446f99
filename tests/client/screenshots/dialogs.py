"""Screens that are no account's window: coming in, settings, dialogs, what the desktop tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from client.core.memory import NOW_MS, MemoryAccount
from client.core.memory_entering import MemoryEntering, check
from client.core.model import Link
from client.core.preferences import Preferences
from client.platform.facts import facts, licences
from client.platform.settings import Settings
from client.theme import Theme
from client.theme.tokens import AVATAR, GAP, SMALL, TIGHT
from client.translations.tr import tr
from client.viewmodels.account_settings import AccountSettings
from client.viewmodels.sign_in import SignIn
from client.viewmodels.spool import Spool
from client.viewmodels.telling import telling
from client.viewmodels.work import run
from client.views.cropper import CropDialog
from client.views.settings import SettingsDialog
from client.views.sign_in import SignInView
from client.widgets.avatar import Avatar, Avatars
from client.widgets.messages.words import content_line
from client.widgets.pictures import Pictures
from tests.client.screenshots.material import PORTRAIT
from tests.client.screenshots.scene import Made, Make
from tests.client.views.scene import at_once

SERVER = "https://chat.example.org:8443"


def sign_in(name: str, **more: Any) -> Make:
    """A page of the sign-in screens; ``alarm``: the certificate has changed, ``refusal``: what goes wrong."""

    def make(theme: Theme, scratch: Path) -> Made:
        untrusted = name == "certificate"
        entering = MemoryEntering(chosen=more.get("chosen", not untrusted), untrusted=untrusted)
        presenter = SignIn(entering, check)
        view: Any = SignInView(theme, presenter, address=SERVER)

        def act() -> None:
            if untrusted:
                if more.get("alarm"):
                    view.show_alarm()
                presenter.choose(SERVER)
                return
            view.pages["forgotten"].fields["email"].set_text("lena@example.org")
            view.show_page(name)
            fields = view.pages[name].fields
            for field, text in more.get("typed", {}).items():
                fields[field].set_text(text)
            if name == "register":
                fields["repeated"].judge()
                entering.wait = 47
                entering.set(code_sent=True)
            if refusal := more.get("refusal"):
                entering.refusal = refusal
                view.page.submit()

        return Made(view, act, (view.close_view, presenter.close))

    return make


def settings(name: str, *, link: Link = Link.ONLINE) -> Make:
    """A page of the settings."""

    def make(theme: Theme, scratch: Path) -> Made:
        account, pictures = MemoryAccount(scratch, longest=50), Pictures()
        account.set_connection(link)
        avatars = faces(theme, pictures, account)
        about = [(key, "1.0" if at == 1 else value) for at, (key, value) in enumerate(facts("1.0", SERVER))]
        dialog: Any = SettingsDialog(
            *(theme, Settings(None)),
            avatars=avatars,
            of=AccountSettings(account),
            now=lambda: NOW_MS,
            tray=True,
            starts=False,
            folder="/home/lena/.local/share/imsys/accounts/5ac30e91",
            facts=about[:3],
            licences=licences(),
        )
        return Made(dialog, lambda: dialog.show_page(name), (pictures.close,))

    return make


def faces(theme: Theme, pictures: Pictures, account: MemoryAccount) -> Avatars:
    """Avatars that find their pictures in an account."""
    avatars = Avatars(theme, pictures)

    def have(file_id: str) -> None:
        async def find() -> None:
            avatars.provide(file_id, str(await account.avatar(file_id) or ""))

        run(find(), print)

    avatars.wanted.connect(have)
    return avatars


def crop(theme: Theme, scratch: Path) -> Made:
    """Choosing what of a picture becomes an avatar."""
    dialog = CropDialog(theme, scratch / PORTRAIT)
    return Made(dialog, ends=(dialog._loader.close,), ready=dialog.ready.isEnabled)


def notification(theme: Theme, scratch: Path) -> Made:
    """What the desktop is given to show, in a frame as desktops have one."""
    account, pictures = MemoryAccount(scratch, longest=50), Pictures()
    account.set_draft(1, "")
    message = account.receive(1, "Ten at the harbour, by the **old crane**. Bring the tripod!")
    told = telling(account, [message], Preferences(), NOW_MS, content_line)
    assert told is not None
    frame = QFrame()
    frame.setProperty("ground", "float")
    frame.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    picture = Avatar(theme, faces(theme, pictures, account), AVATAR)
    picture.show_person(message.sender, told.title, told.avatar)
    title, text = QLabel(told.title), QLabel(told.text)
    title.setProperty("role", "strong")
    for label in (title, text):
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
    words = QVBoxLayout()
    words.setSpacing(TIGHT)
    words.addWidget(title)
    words.addWidget(text)
    words.addSpacing(SMALL)
    words.addWidget(QPushButton(tr("Reply")), 0, Qt.AlignmentFlag.AlignLeading)
    row = QHBoxLayout(frame)
    row.setContentsMargins(GAP, GAP, GAP, GAP)
    row.setSpacing(GAP)
    row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
    row.addLayout(words, 1)
    return Made(frame, ends=(pictures.close,))


def spool(scratch: Path) -> Spool:
    """Where pictures are put that are pasted."""
    return Spool(scratch, at_once)
