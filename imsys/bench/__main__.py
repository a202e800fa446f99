"""``python -m imsys.bench``."""

from imsys.bench import main

main()
