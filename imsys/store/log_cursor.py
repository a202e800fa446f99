"""A cursor of PyMySQL for connections on the reactor's thread."""

from __future__ import annotations

from typing import Any

from pymysql.constants import COMMAND
from pymysql.cursors import Cursor
from pymysql.err import raise_mysql_exception

from imsys.store.replies import Reply


class LogCursor(Cursor):
    """The driver's, and a short way for what each transaction of the log does: it waits once for a whole answer."""

    def run_all(self, sql: str) -> None:
        """Run statements; those after a failed one do not run."""
        self._ask(sql)

    def value(self, sql: str) -> bytes | None:
        """Return the only column of the only row of a SELECT."""
        return self._ask(sql).value

    def _ask(self, sql: str) -> Reply:
        connection: Any = self.connection
        connection._execute_command(COMMAND.COM_QUERY, sql.encode())
        reply: Reply = connection._sock.reply(connection._next_seq_id)
        if (error := reply.error) is not None:
            raise_mysql_exception(error)
        return reply
