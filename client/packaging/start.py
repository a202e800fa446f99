"""Where the program of PyInstaller begins."""

from __future__ import annotations

import sys

from client.app import main

sys.exit(main())
