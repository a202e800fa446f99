"""``python -m imsys.services`` is ``twistd``, by whichever Python this is."""

from twisted.scripts.twistd import run

if __name__ == "__main__":
    run()
