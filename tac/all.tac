"""Every server in one process, as ``twistd -n imsys`` has it: ``twistd -ny tac/all.tac``.

The configuration is the file that $IMSYS_CONFIG names, or the built-in defaults.
"""

from twisted.application.service import Application

from imsys.services import all

options = all.Options()
options.parseOptions([])

application = Application("imsys")
all.makeService(options).setServiceParent(application)
