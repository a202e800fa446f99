"""``python -m imsys.ctl``."""

from imsys.ctl.main import main

if __name__ == "__main__":
    main()
