"""Fuzz the codec of live streams: ``python -m tests.fuzz TARGET FOLDER [libFuzzer's options]``.

TARGET is one of those in ``tests.fuzz.targets``; FOLDER keeps what was found to be worth trying, and is made
with examples to begin with. Needs atheris (``pip install atheris``). What is found is written to the working
folder as ``crash-…``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["imsys.protocols"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run until told to stop, or until something is found."""
    name, folder, *options = sys.argv[1:]
    target, seeds = TARGETS[name]
    corpus = Path(folder)
    corpus.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(seeds()):
        (corpus / f"seed-{index}").write_bytes(seed)
    atheris.Setup([sys.argv[0], str(corpus), *options], target)
    atheris.Fuzz()


main()
