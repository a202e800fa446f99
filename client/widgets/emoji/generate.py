"""``python -m client.widgets.emoji.generate FOLDER``: make ``data/emoji.tsv`` from an unpacked
``emojibase-data`` (npm).

A line is: emoji, group, name, keywords, Chinese name, Chinese keywords, and 1 where it has skin tones.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

VERSION_MOST = 15.1
"""Newer ones are boxes in the fonts of most systems."""


def main() -> None:
    """Read the folder that is named on the command line."""
    folder = Path(sys.argv[1])
    rows: list[dict[str, Any]] = json.loads((folder / "en" / "data.json").read_text("utf-8"))
    chinese = {row["hexcode"]: row for row in json.loads((folder / "zh" / "compact.json").read_text("utf-8"))}
    codes = json.loads((folder / "en" / "shortcodes" / "emojibase.json").read_text("utf-8"))
    lines = []
    for row in sorted(
        (row for row in rows if row.get("group", 2) != 2 and row["version"] <= VERSION_MOST),
        key=lambda row: row["order"],
    ):
        code, there = codes.get(row["hexcode"], []), chinese.get(row["hexcode"], {})
        words = sorted({*row.get("tags", ()), *([code] if isinstance(code, str) else code)})
        toned = any(not isinstance(skin["tone"], list) for skin in row.get("skins", ()))
        group = row["group"] - (row["group"] > 2)
        fields = (
            row["emoji"],
            group,
            row["label"],
            " ".join(words),
            there.get("label", ""),
            " ".join(there.get("tags", ())),
            int(toned),
        )
        lines.append("\t".join(map(str, fields)))
    (Path(__file__).parent / "data" / "emoji.tsv").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
