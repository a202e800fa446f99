"""Plots as SVG: bars, and lines over a logarithmic axis.

Nothing but text, so nothing has to be installed for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

COLOURS = ("#2f6f9f", "#e08e2b", "#b03a48", "#5b8c5a", "#7a5c99", "#666666")
WIDTH = 820
_STYLE = "text{font:13px system-ui,sans-serif;fill:#333}.t{font-size:15px;font-weight:600}.a{fill:#777;font-size:11px}"

Series = Sequence[tuple[str, float]]


def bars(title: str, groups: Sequence[tuple[str, Series]], *, goals: Sequence[float | None] = ()) -> str:
    """Horizontal bars, grouped; a goal is a line across its group."""
    left, right, bar, gap = 250, 90, 15, 12
    names = list(dict.fromkeys(name for _, series in groups for name, _ in series))
    colour = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    top = max(
        [value for _, series in groups for _, value in series] + [goal or 0.0 for goal in goals] + [1e-9]
    )
    scale = (WIDTH - left - right) / top
    y = 40.0
    parts = [_text(10, 24, title, "t")]
    if len(names) > 1:
        for index, name in enumerate(names):
            x = left + index * 130
            parts += [_box(x, y, 11, 11, colour[name]), _text(x + 16, y + 10, name)]
        y += 26
    for index, (caption, series) in enumerate(groups):
        height = bar * len(series)
        parts.append(_text(left - 8, y + height / 2 + 4, caption, anchor="end"))
        for row, (name, value) in enumerate(series):
            parts.append(_box(left, y + row * bar, max(1.0, value * scale), bar - 2, colour[name]))
            parts.append(_text(left + value * scale + 5, y + row * bar + 11, number(value)))
        goal = goals[index] if index < len(goals) else None
        if goal is not None:
            across, down = left + goal * scale, y + height + 1
            parts.append(
                f'<line x1="{across:.1f}" x2="{across:.1f}" y1="{y - 3}" y2="{down}" stroke="#222" stroke-dasharray="4 2"/>'
            )
            parts.append(_text(across + 3, y - 4, f"goal {number(goal)}", "a"))
        y += height + gap
    return _page(y + 6, parts)


def lines(title: str, across: str, xs: Sequence[float], series: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Lines over a logarithmic horizontal axis; the vertical one begins at 0."""
    left, right, top, bottom, height = 70, 200, 44, 44, 360
    low, high = math.log10(min(xs)), math.log10(max(xs))
    most = max([value for _, values in series for value in values] + [1e-9]) * 1.1

    def at(x: float, y: float) -> tuple[float, float]:
        share = (math.log10(x) - low) / (high - low) if high > low else 0.5
        return left + share * (WIDTH - left - right), height - bottom - y / most * (height - top - bottom)

    parts = [
        _text(10, 24, title, "t"),
        _text((left + WIDTH - right) / 2, height - 8, across, "a", anchor="middle"),
    ]
    for step in range(5):
        value = most * step / 4
        _, y = at(min(xs), value)
        parts.append(f'<line x1="{left}" x2="{WIDTH - right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(left - 6, y + 4, number(value), "a", anchor="end"))
    for x in xs:
        parts.append(_text(at(x, 0)[0], height - bottom + 18, f"{x:,.0f}", "a", anchor="middle"))
    for index, (name, values) in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        points = [at(x, value) for x, value in zip(xs, values, strict=True)]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts += [
            _box(WIDTH - right + 16, top + index * 20, 11, 11, colour),
            _text(WIDTH - right + 32, top + index * 20 + 10, name),
        ]
    return _page(height, parts)


def number(value: float) -> str:
    """Format a number with its significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _page(height: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}">'
    return "\n".join(
        (
            head,
            f"<style>{_STYLE}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            *parts,
            "</svg>\n",
        )
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{css} text-anchor="{anchor}">{escape(text)}</text>'


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{colour}"/>'
