"""What stands in the composer's place where nobody can write."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from client.core.display import shown_name
from client.viewmodels.conversation import ConversationPresenter, Obstacle
from client.widgets.times import moment


def barred(presenter: ConversationPresenter) -> tuple[str, str]:
    """Why, in a sentence, and the words of the button that does something about it; empty where there is none."""
    translate = QCoreApplication.translate
    other, obstacle = presenter.other, presenter.obstacle
    name = shown_name(other.name) if other is not None else ""
    if obstacle is Obstacle.CHANNEL:
        return translate("Barred", "Only admins write in this channel."), ""
    if obstacle is Obstacle.GONE:
        return translate("Barred", "You are not in this group any more."), ""
    if obstacle is Obstacle.MUTED:
        until = moment(presenter.about.silent_until_ms)
        return translate("Barred", "An admin has muted you here until {time}.").format(time=until), ""
    if obstacle is Obstacle.BLOCKED:
        return translate("Barred", "You have blocked {name}.").format(name=name), translate(
            "Barred", "Unblock"
        )
    if obstacle is Obstacle.ASKS:
        return (
            translate("Barred", "{name} asks to be friends with you again.").format(name=name),
            translate("Barred", "Accept"),
        )
    if obstacle is Obstacle.ASKED:
        return translate("Barred", "You have asked {name} to be friends again.").format(name=name), ""
    if obstacle is Obstacle.STRANGER:
        return (
            translate("Barred", "You and {name} are not friends, so you cannot write to each other.").format(
                name=name
            ),
            translate("Barred", "Send friend request"),
        )
    return "", ""
