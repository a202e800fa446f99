"""Sentences of the client library, and of what keeps an account: they come in English, and are translated
where they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication, QLocale


def sentence(text: str) -> str:
    """A sentence in the language of the program, where it is known."""
    return QCoreApplication.translate("Sentences", text)


def listed(parts: Iterable[str]) -> str:
    """What there is of several, one after the other; empty ones are left out."""
    return QCoreApplication.translate("Phrases", ", ").join(part for part in parts if part)


def said(who: str, what: str) -> str:
    """``Anna: text``."""
    return QCoreApplication.translate("Phrases", "{name}: {text}").format(name=who, text=what)


def percent(number: int) -> str:
    """``58%``."""
    return QCoreApplication.translate("Phrases", "{number}%").format(number=QLocale().toString(number))


def known() -> tuple[str, ...]:
    """All that are known, for Qt's tools and for a test."""
    translate = QCoreApplication.translate
    return (
        translate("Sentences", "Nothing answers at the server's address; is it running?"),
        translate("Sentences", "The server could not read the request."),
        translate("Sentences", "You may not write here for a while."),
        translate("Sentences", "This group has as many members as it may have."),
        translate("Sentences", "This link does not lead anywhere, or not any more."),
        translate("Sentences", "It is too late for that."),
        translate("Sentences", "There are as many as there may be."),
        translate("Sentences", "Only admins write here."),
        translate("Sentences", "The server cannot be reached."),
        translate("Sentences", "There is no connection to the server; try again when it is back."),
        translate("Sentences", "It is too late for that."),
        translate("Sentences", "It is too late to edit this message."),
        translate("Sentences", "It is too late to recall this message."),
        translate("Sentences", "A message has at most 20 different reactions."),
        translate("Sentences", "At most 10 conversations are pinned."),
        translate("Sentences", "Only its members keep a thread."),
        translate("Sentences", "A thread has at most 100 pinned messages."),
        translate("Sentences", "Only admins pin messages in a group."),
        translate("Sentences", "There is no such message in this thread."),
        translate("Sentences", "You may not write here for a while."),
        translate("Sentences", "Only admins write here."),
        translate("Sentences", "There are as many as there may be."),
        translate("Sentences", "A part of the server does not answer; try again later."),
        translate("Sentences", "There is no such chat server."),
        translate("Sentences", "There is no such file server."),
        translate("Sentences", "No chat server is available; try again later."),
        translate("Sentences", "No file server is available; try again later."),
        translate("Sentences", "The code is wrong, used or expired."),
        translate("Sentences", "The server's database does not answer; try again later."),
        translate("Sentences", "Something is missing in the request."),
        translate("Sentences", "There is no account with this name and e-mail address."),
        translate("Sentences", "The name or the password is wrong."),
        translate("Sentences", "The session has ended; sign in again."),
        translate(
            "Sentences",
            "You were signed out, because this account signed in somewhere else or signed this device out.",
        ),
        translate("Sentences", "Signing out failed."),
        translate("Sentences", "There is nobody of this name."),
        translate("Sentences", "There is no such conversation."),
        translate("Sentences", "The list of conversations cannot be read."),
        translate("Sentences", "There is no such message."),
        translate("Sentences", "The history cannot be read."),
        translate("Sentences", "The conversation could not be started."),
        translate("Sentences", "There is no such user to talk to."),
        translate("Sentences", "The conversation could not be started; try again."),
        translate("Sentences", "The group could not be made."),
        translate("Sentences", "A member of the group does not exist."),
        translate("Sentences", "There is no such group."),
        translate("Sentences", "You cannot befriend yourself."),
        translate(
            "Sentences", "This friend request is not possible: you are friends already, or nobody asked."
        ),
        translate("Sentences", "There is no such user."),
        translate("Sentences", "The file could not be uploaded."),
        translate("Sentences", "The file could not be made on the server."),
        translate("Sentences", "The file could not be opened on the server."),
        translate("Sentences", "The file could not be written on the server."),
        translate("Sentences", "Too many attempts; wait a little."),
        translate("Sentences", "You are not allowed to do this."),
        translate("Sentences", "You are not friends."),
        translate("Sentences", "A message has 1 to 4,096 characters."),
        translate("Sentences", "There is no more room for this."),
        translate("Sentences", "The file was damaged on its way; send it again."),
        translate("Sentences", "Something in the request is not allowed."),
        translate("Sentences", "This name is taken."),
        translate("Sentences", "There is an account with this e-mail address already."),
        translate("Sentences", "The server is too busy; try again in a moment."),
        translate("Sentences", "There is no such live stream."),
        translate("Sentences", "Something went wrong on the server."),
        translate("Sentences", "This user does not want to hear from you."),
        translate("Sentences", "The server's certificate is not valid for its address."),
        translate(
            "Sentences",
            "The server's certificate is not the one that is trusted here; ask its operator before you trust another.",
        ),
        translate("Sentences", "The server's name cannot be found."),
        translate("Sentences", "The server does not answer in time."),
        translate("Sentences", "The connection was lost."),
        translate("Sentences", "It was given up."),
        translate("Sentences", "There is no room left on this disk. Make room on it, and try again."),
        translate(
            "Sentences",
            "The server's certificate is not signed by an authority that is trusted here; name its CA file.",
        ),
        translate("Sentences", "The server does not speak TLS on this port."),
        translate("Sentences", "The secure connection could not be made."),
        translate("Sentences", "The keyring of this system does not open; unlock it, and try again."),
        translate("Sentences", "The keyring of this system is not there, and the account's key is in it."),
        translate("Sentences", "This message has been sent already."),
        translate("Sentences", "This live stream is over."),
        translate("Sentences", "This message has no file."),
        translate("Sentences", "This file is not there yet."),
        translate("Sentences", "A caption has at most 4,096 characters."),
        translate("Sentences", "Choose a server first."),
        translate("Sentences", "The passwords are not the same."),
        translate("Sentences", "The code is in the mail that was sent to you."),
        translate("Sentences", "A message has at most 4,096 characters; send it as several, or as a file."),
        translate("Sentences", "The messages could not be read."),
        translate("Sentences", "The server's answer cannot be read."),
        translate("Sentences", "Something went wrong here; the log says more."),
        translate("Sentences", "You have signed out."),
        translate("Sentences", "None of them wants to be added to groups."),
        translate("Sentences", "A text that was to be sent later was refused."),
        translate("Sentences", "A username has 3 to 50 characters."),
        translate("Sentences", "A username has no characters that nobody sees."),
        translate("Sentences", "A username consists of letters, digits, '_', '.' and '-'."),
        translate("Sentences", "A username does not begin with a combining mark."),
        translate("Sentences", "A username does not mix scripts, such as Latin and Cyrillic letters."),
        translate("Sentences", "This is not an e-mail address."),
        translate("Sentences", "A password has at least 8 characters."),
        translate("Sentences", "A password has at most 1,024 characters."),
    )
