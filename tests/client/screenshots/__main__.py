"""Make the pictures: each ratio in a process of its own, because Qt reads it once."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.client.screenshots import RATIOS, kept

RATIO, SCRATCH = "IMSYS_SCREENSHOT_RATIO", "IMSYS_SCREENSHOT_SCRATCH"


def main() -> int:
    """Make them, and compress them where pngquant is installed."""
    parser = argparse.ArgumentParser(prog="python -m tests.client.screenshots")
    parser.add_argument("folder", type=Path)
    parser.add_argument("words", nargs="*", help="only pictures whose names hold one of them")
    parser.add_argument("--keep", type=Path, help="copy what the repository keeps to this folder")
    options = parser.parse_args()
    if ratio := os.environ.get(RATIO):
        from tests.client.screenshots.taking import take_all

        return take_all(options.folder, int(ratio), Path(os.environ[SCRATCH]), options.words)
    options.folder.mkdir(parents=True, exist_ok=True)
    before = {path: path.stat().st_mtime_ns for path in options.folder.glob("*.png")}
    with tempfile.TemporaryDirectory() as scratch:
        from tests.client.screenshots.material import make

        make(Path(scratch))
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.client.screenshots", str(options.folder), *options.words],
                env=_environ(ratio, scratch),
            )
            for ratio in RATIOS
        ]
        ended = [one.wait() for one in running]
    made = [
        path for path in sorted(options.folder.glob("*.png")) if path.stat().st_mtime_ns != before.get(path)
    ]
    if shutil.which("pngquant"):
        for path in made:
            _compress(path)
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        for path in made:
            if kept(path.name):
                shutil.copy(path, options.keep)
    return int(any(ended))


def _environ(ratio: int, scratch: str) -> dict[str, str]:
    fixed = {
        RATIO: str(ratio),
        SCRATCH: scratch,
        "QT_SCALE_FACTOR": str(ratio),
        "TZ": "UTC",
        "LANG": "C.UTF-8",
    }
    return {"QT_QPA_PLATFORM": "offscreen", **os.environ, **fixed}


def _compress(path: Path) -> None:
    """Few colours for what is large, and no dots: there are few gradients."""
    colours = "80" if "@2x" in path.name or "-zh-" in path.name else "160"
    command = [
        "pngquant",
        "--force",
        "--skip-if-larger",
        "--nofs",
        "--speed",
        "3",
        "--ext",
        ".png",
        colours,
        str(path),
    ]
    if subprocess.run(command, check=False).returncode not in (0, 98, 99):
        raise SystemExit(f"pngquant failed: {path}")


if __name__ == "__main__":
    sys.exit(main())
