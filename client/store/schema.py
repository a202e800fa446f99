"""The tables of an account, and how older ones become as they are now."""

from __future__ import annotations

import apsw

LAST = (1 << 63) - 1
"""``ord`` of what has no id yet: after everything that has."""

MIGRATIONS = (
    """
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE people (
        uuid INTEGER PRIMARY KEY, username TEXT NOT NULL, nickname TEXT NOT NULL, alias TEXT NOT NULL, avatar TEXT NOT NULL,
        description TEXT NOT NULL, sex INTEGER NOT NULL, friend INTEGER NOT NULL, blocked INTEGER NOT NULL
    );
    CREATE TABLE requests (uuid INTEGER PRIMARY KEY, text TEXT NOT NULL, at_ms INTEGER NOT NULL);
    CREATE TABLE conversations (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, title TEXT NOT NULL, people TEXT NOT NULL,
        unread INTEGER NOT NULL DEFAULT 0, mentioned INTEGER NOT NULL DEFAULT 0, read INTEGER NOT NULL DEFAULT 0,
        told INTEGER NOT NULL DEFAULT 0,
        their_delivered INTEGER NOT NULL DEFAULT 0, their_read INTEGER NOT NULL DEFAULT 0, draft TEXT NOT NULL DEFAULT '',
        pinned INTEGER NOT NULL DEFAULT 0, archived INTEGER NOT NULL DEFAULT 0, muted_until_ms INTEGER NOT NULL DEFAULT 0,
        synced INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE spans (conversation INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
        PRIMARY KEY (conversation, low)) WITHOUT ROWID;
    CREATE TABLE messages (
        conversation INTEGER NOT NULL, ord INTEGER NOT NULL, at_ms INTEGER NOT NULL, key TEXT NOT NULL, sender INTEGER NOT NULL,
        kind TEXT NOT NULL, text TEXT NOT NULL, mine INTEGER NOT NULL, mark INTEGER NOT NULL, failure TEXT NOT NULL DEFAULT '',
        file_id TEXT NOT NULL DEFAULT '', attachment TEXT NOT NULL DEFAULT '', stream TEXT NOT NULL DEFAULT '',
        paused INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (conversation, ord, at_ms, key)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX by_key ON messages (key, conversation);
    CREATE INDEX by_file ON messages (file_id) WHERE file_id != '';
    CREATE INDEX with_file ON messages (at_ms) WHERE attachment != '';
    CREATE INDEX unsent ON messages (conversation, at_ms) WHERE ord = 9223372036854775807;
    CREATE TABLE uploads (
        key TEXT PRIMARY KEY, user INTEGER NOT NULL, thread_id INTEGER NOT NULL, path TEXT NOT NULL, file_id TEXT NOT NULL,
        size INTEGER NOT NULL, modified INTEGER NOT NULL, sha256 TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE messages ADD COLUMN reply_to INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN as_of INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN details TEXT NOT NULL DEFAULT '';
    CREATE INDEX answers ON messages (conversation, reply_to) WHERE reply_to != 0;
    CREATE INDEX pinned ON messages (conversation) WHERE pinned;
    """,
    """
    ALTER TABLE conversations ADD COLUMN grouped TEXT NOT NULL DEFAULT '';
    """,
    """
    ALTER TABLE conversations ADD COLUMN untold TEXT NOT NULL DEFAULT '';
    UPDATE conversations SET untold = trim(
        iif(pinned, 'pinned ', '') || iif(archived, 'archived ', '') || iif(muted_until_ms, 'muted_until_ms ', '')
        || iif(draft != '', 'draft', ''));
    """,
    """
    ALTER TABLE messages ADD COLUMN expires_ms INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX expiring ON messages (expires_ms) WHERE expires_ms != 0;
    """,
)
"""Each leads from one version to the next; ``PRAGMA user_version`` says which one a store has."""

VERSION = len(MIGRATIONS)


class NewerStore(Exception):
    """A later version of the program has made this store."""


def migrate(db: apsw.Connection) -> None:
    """Bring a store to this version, each step whole or not at all. :raises NewerStore: it is beyond that."""
    version = int(db.pragma("user_version") or 0)
    if version > VERSION:
        raise NewerStore(version)
    for number in range(version, VERSION):
        with db:
            db.execute(MIGRATIONS[number])
            db.pragma("user_version", number + 1)
