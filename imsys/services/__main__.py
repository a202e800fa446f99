"""``python -m imsys.services``: run ``twistd`` with this Python."""

from twisted.scripts.twistd import run

if __name__ == "__main__":
    run()
