"""Discover the services of the chat port: modules of :mod:`imsys.chat.features`, and Twisted plug-ins."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator

from twisted.plugin import IPlugin, getPlugins
from zope.interface import Interface, implementer

import imsys.chat.features
from imsys.errors import ConfigError
from imsys.protocols.messages.registry import message_type, reply_id, service_id
from imsys.server.dispatch import Handler

FIRST_FOREIGN_ID = 1024
"""The first service id for plug-ins of others."""


class IChatFeature(Interface):
    """Services that a plug-in adds to the chat server."""

    def name() -> str:
        """Return the plug-in's name in messages to the operator."""

    def handlers() -> Iterable[Handler]:
        """Return handlers made by :func:`imsys.server.dispatch.handles`, with ids from 1024 on."""


@implementer(IPlugin, IChatFeature)
class ChatFeature:
    """A plug-in that names a module with handlers; only chat servers import it.

    A distribution puts one into its ``twisted/plugins/`` folder::

        from imsys.plugins import ChatFeature
        dice = ChatFeature("dice", "imsys_dice.feature")
    """

    def __init__(self, name: str, module: str) -> None:
        self._name = name
        self._module = module

    def name(self) -> str:
        """Return the plug-in's name in messages to the operator."""
        return self._name

    def handlers(self) -> list[Handler]:
        """Import the module and return its handlers."""
        return list(_handlers_in(self._module))


def discover() -> list[Handler]:
    """Return all handlers.

    :raises ConfigError: a plug-in cannot be imported, or uses an id that is taken or not for plug-ins.
    """
    found = [
        handler
        for module in pkgutil.iter_modules(imsys.chat.features.__path__, "imsys.chat.features.")
        for handler in _handlers_in(module.name)
    ]
    for plugin in sorted(getPlugins(IChatFeature), key=lambda plugin: str(plugin.name())):
        served = {service_id(handler.request) for handler in found}
        for handler in _foreign(plugin):
            service = service_id(handler.request)
            if service in served:
                raise ConfigError(f"plug-in {plugin.name()}: service {service} has a handler already")
            served.add(service)
            found.append(handler)
    return found


def _foreign(plugin: IChatFeature) -> list[Handler]:
    try:
        handlers = list(plugin.handlers())
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"plug-in {plugin.name()}: it cannot be imported: {reason}") from error
    used = {
        service
        for handler in handlers
        for service in (service_id(handler.request), reply_id(handler.request))
    }
    for service in range(FIRST_FOREIGN_ID):
        kind = message_type(service)
        if service in used or (kind is not None and not kind.__module__.startswith("imsys.")):
            raise ConfigError(
                f"plug-in {plugin.name()}: service {service} is not for plug-ins, whose ids begin at {FIRST_FOREIGN_ID}"
            )
    return handlers


def _handlers_in(module: str) -> Iterator[Handler]:
    return (value for value in vars(importlib.import_module(module)).values() if isinstance(value, Handler))
