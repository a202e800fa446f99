"""Which emoji there are, and how they are found.

Data: emojibase (Unicode CLDR), made by :mod:`client.widgets.emoji.generate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

QUICK = ("👍", "❤️", "😂", "🎉", "😮", "😢")
"""What one reacts with most."""
TONES = ("", "🏻", "🏼", "🏽", "🏾", "🏿")
RECENT_MOST = 32
SELECTOR = "\ufe0f"


@dataclass(frozen=True, slots=True)
class Emoji:
    """One; ``words`` is all that it is found by, in lower case."""

    text: str
    group: int
    name: str
    chinese: str
    words: str
    toned: bool

    def tone(self, tone: int) -> str:
        """With a skin tone, 1 to 5; 0, and where it has none: as it is."""
        if not tone or not self.toned:
            return self.text
        first, rest = self.text[0], self.text[1:].removeprefix(SELECTOR)
        return first + TONES[tone] + rest


@lru_cache(maxsize=1)
def everything() -> tuple[Emoji, ...]:
    """All of them, in Unicode's order."""
    made = []
    for line in (Path(__file__).parent / "data" / "emoji.tsv").read_text("utf-8").splitlines():
        text, group, name, words, chinese, chinese_words, toned = line.split("\t")
        found = f"{name} {words} {words.replace('_', ' ')} {chinese} {chinese_words}".lower()
        made.append(Emoji(text, int(group), name, chinese, found, toned == "1"))
    return tuple(made)


@lru_cache(maxsize=1)
def by_text() -> dict[str, Emoji]:
    """The one for each character."""
    return {emoji.text: emoji for emoji in everything()}


def find(text: str, most: int = 200) -> list[Emoji]:
    """Emoji all of whose searched words begin one of theirs (or are in it, of Chinese), those named so first."""
    wanted = text.lower().replace(":", " ").split()
    if not wanted:
        return []
    exact = by_text().get(text.strip())
    ranked: list[tuple[int, int, Emoji]] = []
    for at, emoji in enumerate(everything()):
        words = f" {emoji.words}"
        if all((f" {word}" if word.isascii() else word) in words for word in wanted):
            name = emoji.name.lower()
            whole = " ".join(wanted)
            rank = (
                0
                if whole in (name, emoji.chinese)
                else 1
                if name.startswith(whole)
                else 2
                if f" {wanted[0]} " in f"{words} "
                else 3
            )
            ranked.append((rank, at, emoji))
    found = [emoji for _, _, emoji in sorted(ranked, key=lambda one: one[:2])[:most]]
    return [exact, *(emoji for emoji in found if emoji != exact)] if exact else found


def remember(recent: Sequence[str], picked: str) -> list[str]:
    """The recent ones after one was picked: newest first, each once."""
    return [picked, *(emoji for emoji in recent if emoji != picked)][:RECENT_MOST]


def known(recent: Iterable[object]) -> list[str]:
    """Those of a stored list that can be shown; what a file of settings holds is not trusted."""
    return [emoji for emoji in recent if isinstance(emoji, str) and 0 < len(emoji) <= 16][:RECENT_MOST]
