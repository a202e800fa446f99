"""Devices: their page of the settings, and the notice of a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from client.core.devices import Device
from client.core.memory import NOW_MS, MemoryAccount
from client.core.model import Link
from client.theme import Theme
from tests.client.screenshots import dialogs
from tests.client.screenshots.scene import NARROW, USUAL, Made, Make, Shot, Stage, account

ANNA = 1
SIGNED_IN = Device("new", "Chrome on Windows", "web", NOW_MS - 180_000, NOW_MS, online=True)
DIALOG = (760, 600)


def devices() -> dict[str, Shot]:
    """By name."""
    return {
        "settings-devices": Shot(DIALOG, dialogs.settings("devices")),
        "settings-devices-rename": Shot(DIALOG, _page(lambda page, _: page.rows["phone"].pencil.click())),
        "settings-devices-sign-out": Shot(DIALOG, _page(lambda page, _: page.rows["cli"].leave.click())),
        "settings-devices-refused": Shot(DIALOG, _page(_refused)),
        "settings-devices-alone": Shot(DIALOG, _page(lambda page, _: page._sign_out())),
        "settings-devices-offline": Shot(DIALOG, dialogs.settings("devices", link=Link.WAITING)),
        "settings-privacy": Shot(DIALOG, dialogs.settings("privacy")),
        "sign-in-notice": Shot(USUAL, account(_signed_in)),
        "sign-in-notice-narrow": Shot(NARROW, account(_signed_in)),
    }


def _page(act: Any) -> Make:
    def make(theme: Theme, scratch: Path) -> Made:
        made = dialogs.settings("devices")(theme, scratch)
        shown = made.act

        def do() -> None:
            shown()
            page: Any = made.widget.pages["devices"]
            act(page, page._devices._account)

        made.act = do
        return made

    return make


def _refused(page: Any, memory: MemoryAccount) -> None:
    memory.refusal = "Too many attempts; wait a little."
    page.rows["phone"].sure.yes.emit()
    memory.refusal = ""
    page.opened()


def _signed_in(stage: Stage) -> None:
    stage.view.open(ANNA)
    stage.account.signs_in(SIGNED_IN)
