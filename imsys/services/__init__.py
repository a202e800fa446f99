"""The daemons: each module has Options, build and makeService, and only here are long-lived objects made."""

from imsys.util.extras import require_server

require_server("imsys")  # here, since every daemon, whoever starts it, begins with this
