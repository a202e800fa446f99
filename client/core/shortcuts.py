"""Every shortcut of the program, in one place: what acts on them and the list of F1 read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One of them.

    :param name: what acts on it goes by.
    :param keys: as Qt writes them; Ctrl is ⌘ on macOS. Several are alike.
    :param words: what it does, an English sentence that is translated where it is shown.
    :param told: it is listed alone: a widget acts on it by itself.
    """

    name: str
    keys: tuple[str, ...]
    words: str
    group: str
    told: bool = False


GO, TALK, LOOK = "Going about", "Talking", "Window"

SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("switch", ("Ctrl+K",), "Go to a conversation by name", GO),
    Shortcut("next", ("Alt+Down", "Ctrl+Tab"), "Next conversation", GO),
    Shortcut("previous", ("Alt+Up", "Ctrl+Shift+Tab"), "Previous conversation", GO),
    Shortcut("search", ("Ctrl+Shift+F",), "Search conversations", GO),
    Shortcut("conversations", ("Ctrl+1",), "Conversations", GO),
    Shortcut("contacts", ("Ctrl+2",), "Contacts", GO),
    Shortcut("files", ("Ctrl+3",), "Files", GO),
    Shortcut("people", ("Ctrl+N",), "Find people", GO),
    Shortcut("back", ("Esc",), "One step back", GO, True),
    Shortcut("find", ("Ctrl+F",), "Find in this conversation", TALK),
    Shortcut("older", ("Shift+F3",), "Older find", TALK),
    Shortcut("newer", ("F3",), "Newer find", TALK),
    Shortcut("attach", ("Ctrl+O",), "Attach files", TALK),
    Shortcut("emoji", ("Ctrl+E",), "Emoji", TALK),
    Shortcut("react", ("Ctrl+Shift+E",), "React to a message", TALK),
    Shortcut("details", ("Ctrl+I",), "Details", TALK),
    Shortcut("end", ("Ctrl+End",), "To the newest message", TALK),
    Shortcut("send", ("Return",), "Send", TALK, True),
    Shortcut("later", ("Ctrl+Shift+Return",), "Send later", TALK, True),
    Shortcut("line", ("Shift+Return",), "New line", TALK, True),
    Shortcut("edit", ("Up",), "Edit my last message, while nothing is written", TALK, True),
    Shortcut("copy", ("Ctrl+C",), "Copy what is selected", TALK, True),
    Shortcut("larger", ("Ctrl++", "Ctrl+="), "Larger texts", LOOK),
    Shortcut("smaller", ("Ctrl+-",), "Smaller texts", LOOK),
    Shortcut("plain", ("Ctrl+0",), "Texts as they were", LOOK),
    Shortcut("settings", ("Ctrl+,",), "Settings", LOOK),
    Shortcut("shortcuts", ("F1",), "Shortcuts", LOOK),
    Shortcut("full", ("F11",), "Full screen", LOOK),
    Shortcut("close", ("Ctrl+W",), "Close the window", LOOK),
    Shortcut("quit", ("Ctrl+Q",), "Quit", LOOK),
)


def shortcut(name: str) -> Shortcut:
    """One by its name. :raises KeyError: there is none."""
    return {one.name: one for one in SHORTCUTS}[name]
