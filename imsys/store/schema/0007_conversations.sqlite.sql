-- The log of a thread beside its messages. Columns of older tables are added by a step in Python.

-- Changes to a conversation. Their ids are of the same sequence as those of messages, so the log of a thread is
-- both tables by id.
CREATE TABLE entries (
    thread_id INTEGER NOT NULL,
    entry_id INTEGER NOT NULL,
    actor_id INTEGER NOT NULL,
    -- 16 edit, 17 recall, 18 reaction, 19 pin, 20 membership, 21 settings
    kind INTEGER NOT NULL,
    -- as in messages
    unique_id BLOB NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (thread_id, entry_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX entries_unique ON entries (actor_id, unique_id);

CREATE TABLE reactions (
    thread_id INTEGER NOT NULL,
    msg_id INTEGER NOT NULL,
    -- UTF-8
    emoji BLOB NOT NULL,
    user_id INTEGER NOT NULL,
    PRIMARY KEY (thread_id, msg_id, emoji, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE pins (
    thread_id INTEGER NOT NULL,
    msg_id INTEGER NOT NULL,
    -- the entry that pinned it: the order of the pins
    entry_id INTEGER NOT NULL,
    PRIMARY KEY (thread_id, msg_id)
) STRICT, WITHOUT ROWID;

-- Messages that one user does not want to see any more.
CREATE TABLE hidden (
    user_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    msg_id INTEGER NOT NULL,
    PRIMARY KEY (user_id, thread_id, msg_id)
) STRICT, WITHOUT ROWID;
