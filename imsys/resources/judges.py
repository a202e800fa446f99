"""Plug-ins that judge files before anybody sees them."""

from __future__ import annotations

import importlib

from twisted.plugin import IPlugin, getPlugins
from zope.interface import Interface, implementer

from imsys.errors import ConfigError
from imsys.files.readable import ReadableFile
from imsys.files.scanning import About, Judge


class IFileJudge(Interface):
    """Judges that a distribution of somebody else's adds to the resources server:
    :class:`~imsys.files.scanning.Judge` says how.
    """

    def name() -> str:
        """What it is called in messages to the operator."""

    def load() -> None:
        """Get ready, when the server starts; any exception is a fault in the configuration."""

    def refuses(file: ReadableFile, about: About) -> str | None:  # noqa: N805
        """A reason to refuse a file, or ``None``."""


@implementer(IPlugin, IFileJudge)
class FileJudge:
    """A plug-in that names a function ``refuses(file, about)`` of a module, which is imported by resources
    servers only.

    A distribution puts one into its ``twisted/plugins/`` folder::

        from imsys.plugins import FileJudge
        sizes = FileJudge("sizes", "imsys_sizes.judge")
    """

    def __init__(self, name: str, module: str) -> None:
        self._name = name
        self._module = module

    def name(self) -> str:
        """What it is called in messages to the operator."""
        return self._name

    def load(self) -> None:
        """Import the module, and see that the function is there."""
        if not callable(importlib.import_module(self._module).refuses):
            raise TypeError("refuses is no function")

    def refuses(self, file: ReadableFile, about: About) -> str | None:
        """Ask the function."""
        reason: str | None = importlib.import_module(self._module).refuses(file, about)
        return reason


def discover_judges() -> list[Judge]:
    """Load all judges that are installed, by name. :raises ConfigError: one cannot be imported."""
    found = sorted(getPlugins(IFileJudge), key=lambda plugin: str(plugin.name()))
    for plugin in found:
        try:
            plugin.load()
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise ConfigError(f"plug-in {plugin.name()}: it cannot be imported: {reason}") from error
    return list(found)
