"""Pictures of every screen of the client: ``make screenshots``, or ``python -m tests.client.screenshots FOLDER
[WORD ...]``; with words, those alone whose names hold one.

They are light and dark, at one and two pixels a point, in English and Chinese, with the content of
:class:`client.core.memory.MemoryAccount`: ``NAME-en-light.png``, ``NAME-zh-dark@2x.png``. All of them go into
the folder; :func:`kept` says which of them the repository keeps, so that it stays small.
"""

from __future__ import annotations

LANGUAGES = ("en", "zh_CN")
SCHEMES = ("light", "dark")
RATIOS = (1, 2)

SHOWN = ("conversation-en-light", "group-en-light", "conversation-en-dark")
"""Those in the README."""


def kept(file: str) -> bool:
    """Whether the repository keeps a picture.

    At one pixel a point every screen in English, light and dark, and in Chinese, light; at two those in the
    README.
    """
    name, language, scheme = file.removesuffix(".png").removesuffix("@2x").rsplit("-", 2)
    if "@2x" in file:
        return f"{name}-{language}-{scheme}" in SHOWN
    return language == "en" or scheme == "light"
