"""How files are kept: sealed in segments, spooled while they arrive, in a store when they are whole. No wire, no Twisted, no SQL."""
