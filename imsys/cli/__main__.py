"""``python -m imsys.cli``."""

from imsys.cli import main

main()
