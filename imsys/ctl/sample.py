"""Sample configuration files, generated from the dataclasses of :mod:`imsys.config` so that they agree."""

from __future__ import annotations

import configparser
import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from imsys.config import SECTIONS

HEADER = """\
# Every key is here, with its unit and its default. A line that begins with '#'
# is a comment, so a key that begins with one has its default.
#
# The environment wins over this file: key 'port' of [chat] is IMSYS_CHAT_PORT
# there, keys of [imsys] have no section in the name (IMSYS_HOME). Each secret may
# also stand in a file of its own, for which the name gets the ending '_file'.
# 'imsys-ctl check-config --config FILE' says what is wrong with a file.
"""


def render(value: Any) -> str:
    """Format a value as in a configuration file."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, tuple):
        return ", ".join(_address(*item) if isinstance(item, tuple) else str(item) for item in value)
    return str(value)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def sample(introduction: str = "", settings: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """Generate a configuration file with all keys.

    :param introduction: the purpose of the file, for comment lines.
    :param settings: values that the file sets, by section and key; all others are commented out.
    """
    settings = settings or {}
    lines = [*(f"# {line}".rstrip() for line in introduction.splitlines()), "#"] if introduction else []
    lines += HEADER.splitlines()
    for section, kind in SECTIONS.items():
        summary = (inspect.getdoc(kind) or "").splitlines()[0].partition(": ")[2]
        lines += ["", "", f"[{section}]", f"# {summary[:1].upper()}{summary[1:]}"]
        given = settings.get(section, {})
        for key in dataclasses.fields(kind):
            lines += ["", f"# {key.metadata['doc']}", f"# Default: {render(key.default) or '(empty)'}"]
            if key.metadata["secret"] and f"{key.name}_file" in given:
                lines.append(f"{key.name}_file = {given[f'{key.name}_file']}")
            elif key.name in given:
                lines.append(f"{key.name} = {given[key.name]}".rstrip())
            else:
                lines.append(f"#{key.name} = {render(key.default)}".rstrip())
    return "\n".join(lines) + "\n"


def again(text: str) -> str:
    """Regenerate a file with the present keys, comments and defaults; keep its introduction and values."""
    parser = configparser.ConfigParser(interpolation=None, default_section="\0", inline_comment_prefixes=None)
    parser.read_string(text)
    head = text.partition(HEADER)[0].splitlines()
    introduction = "\n".join(line.removeprefix("#").removeprefix(" ") for line in head)
    return sample(
        introduction.strip(), {section: dict(parser.items(section)) for section in parser.sections()}
    )
