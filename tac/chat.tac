"""One chat server of a cluster: ``IMSYS_CONFIG=conf/cluster.ini twistd -ny tac/chat.tac``.

A place to add services of your own to the process, or to build the server from
another configuration than a file.
"""

from twisted.application.service import Application

from imsys.services import chat

options = chat.Options()
options.parseOptions([])

application = Application("imsys-chat")
chat.makeService(options).setServiceParent(application)
