"""Make ``*.ts`` and ``*.qm`` again: ``make translations``, or ``python -m client.translations.make
[--check]``.

Qt's own tools read the sentences out of the sources. English has the plurals alone: everything else is said
as it is written.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import PySide6

HERE = Path(__file__).resolve().parent
CLIENT = HERE.parent
TOOLS = Path(PySide6.__file__).parent
LANGUAGES = {"en": ("-pluralonly",), "zh_CN": ()}


def _run(tool: str, *arguments: str) -> None:
    """Run one of Qt's tools. :raises RuntimeError: it complains."""
    path = next(found for found in (TOOLS / tool, TOOLS / f"{tool}.exe") if found.exists())
    done = subprocess.run(  # noqa: S603
        [str(path), *arguments], capture_output=True, text=True, cwd=CLIENT.parent, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{tool}: {done.stdout}{done.stderr}")


def make(folder: Path) -> None:
    """Bring the files of a folder up to date."""
    sources = sorted(
        str(path.relative_to(CLIENT.parent))
        for path in CLIENT.rglob("*.py")
        if path.parent != HERE or path.name == "sentences.py"
    )
    for language, options in LANGUAGES.items():
        file = folder / f"imsys_{language}.ts"
        _run("lupdate", *options, "-silent", "-no-obsolete", "-locations", "none", "-source-language", "en", "-target-language", language,
             *sources, "-ts", str(file))  # fmt: skip
        _run("lrelease", "-silent", "-removeidentical", str(file), "-qm", str(file.with_suffix(".qm")))


def differences() -> list[str]:
    """Files that are not what the sources and the translations make of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in HERE.glob("*.ts"):
            (folder / file.name).write_bytes(file.read_bytes())
        make(folder)
        names = [f"imsys_{language}{suffix}" for language in LANGUAGES for suffix in (".ts", ".qm")]
        return [
            one
            for one in names
            if not (HERE / one).exists() or (HERE / one).read_bytes() != (folder / one).read_bytes()
        ]


def main() -> int:
    """Make them, or say which are not current."""
    if sys.argv[1:] == ["--check"]:
        old = differences()
        print("\n".join(f"{name} is not current: make translations" for name in old))
        return 1 if old else 0
    make(HERE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
