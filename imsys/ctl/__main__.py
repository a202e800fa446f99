"""``python -m imsys.ctl``."""

from imsys.ctl import main

if __name__ == "__main__":
    main()
