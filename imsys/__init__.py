"""imsys: self-hosted, distributed instant messaging on Twisted."""

__version__ = "0.1.0"
