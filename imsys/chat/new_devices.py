"""Tell a user's sessions of the user's devices."""

from __future__ import annotations

from twisted.logger import Logger

from imsys.chat.context import Chat
from imsys.protocols.messages.devices import DevicePush
from imsys.server.session import Session
from imsys.store.devices import Device, DeviceKind
from imsys.store.ids import moment
from imsys.util.background import run_in_background

_log = Logger()


def tell_of_sign_in(chat: Chat, session: Session) -> None:
    """Tell the other sessions of a user of this one's device in the background, if they were not told of it yet.

    Told first, noted then: if this server dies between the two they are told at the next login.
    """
    run_in_background(_tell(chat, session), _log, "nobody was told of a sign-in")


async def _tell(chat: Chat, session: Session) -> None:
    device = await chat.tokens.news_of(session.user, session.device)
    if device is not None:
        chat.outbound.deliver_beside(session, device_push("signed_in", device))
        await chat.tokens.told(session.user, session.device)


def device_push(event: str, device: Device) -> DevicePush:
    """Make the push of what has become of a device."""
    return DevicePush(
        event=event,
        id=device.info.id,
        name=device.info.name,
        kind=kind_name(device.info.kind),
        created=moment(device.created_ms),
    )


def kind_name(kind: DeviceKind) -> str:
    """Return what a kind is called on the wire."""
    return "" if kind is DeviceKind.NONE else kind.name.lower()
