"""The lines of a chat: commands, and what is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imsys.cli.mentions import completions

Command = Callable[[str], bool | None]
"""Takes the rest of its line; returns ``False`` where it was not accepted, and stays to be mended."""


class ChatCommands:
    """Executes lines.

    :param everywhere: commands by their first words; ``at_terminal``: those that are none in a pipe.
    :param say: sends a text; returns whether it was accepted.
    :param notice: shows a line.
    :param names: returns what may stand after an ``@``.
    """

    def __init__(
        self,
        everywhere: Mapping[str, Command],
        at_terminal: Mapping[str, Command],
        say: Callable[[str], bool],
        notice: Callable[[str], None],
        names: Callable[[], list[str]],
    ) -> None:
        self._everywhere = everywhere
        self._all = {**everywhere, **at_terminal}
        self._say = say
        self._notice = notice
        self._names = names

    def typed(self, line: str) -> bool:
        """Execute a typed line; return whether it was accepted."""
        text = line.strip()
        word, _, rest = text.partition(" ")
        command = self._all.get(word)
        if command is not None:
            return command(rest.strip()) is not False
        if text.startswith("/") and not text.startswith("//"):
            self._notice("there is no such command; try /help, or begin with // to say it")
            return False
        return self._say(text[1:] if text.startswith("//") else text)

    def piped(self, line: str) -> None:
        """Execute a line of a pipe; what is no command is said as it is, but for the slash before a command."""
        word, _, rest = line.strip().partition(" ")
        if word in self._everywhere:
            self._everywhere[word](rest.strip())
        else:
            self._say(line[1:] if line.startswith("/") and word[1:] in self._everywhere else line)

    def complete(self, before: str) -> tuple[int, list[str]]:
        """Return what Tab makes of the end of what was typed: see :class:`imsys.cli.editor.Editor`."""
        return completions(before, self._names(), sorted(self._all))
