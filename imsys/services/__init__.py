"""The daemons: each module has Options, build and makeService.

Only this package creates long-lived objects.
"""

from imsys.util.extras import require_server

require_server("imsys")  # here, since every daemon, whoever starts it, begins with this
