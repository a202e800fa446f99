"""``python -m imsys.cli``."""

from imsys.cli.main import main

main()
