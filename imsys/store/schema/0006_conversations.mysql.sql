-- Every statement may run again: MySQL commits each by itself, and the answer to one may have been lost.
-- The log of a thread beside its messages. Columns of older tables are added by a step in Python.

-- Changes to a conversation. Their ids are of the same sequence as those of messages, so the log of a thread is
-- both tables by id.
CREATE TABLE IF NOT EXISTS entries (
    thread_id BIGINT NOT NULL,
    entry_id BIGINT NOT NULL,
    actor_id INT NOT NULL,
    -- 16 edit, 17 recall, 18 reaction, 19 pin, 20 membership, 21 settings
    kind TINYINT NOT NULL,
    -- as in messages
    unique_id VARBINARY(256) NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (thread_id, entry_id),
    UNIQUE KEY entries_unique (actor_id, unique_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS reactions (
    thread_id BIGINT NOT NULL,
    msg_id BIGINT NOT NULL,
    -- UTF-8
    emoji VARBINARY(32) NOT NULL,
    user_id INT NOT NULL,
    PRIMARY KEY (thread_id, msg_id, emoji, user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pins (
    thread_id BIGINT NOT NULL,
    msg_id BIGINT NOT NULL,
    -- the entry that pinned it: the order of the pins
    entry_id BIGINT NOT NULL,
    PRIMARY KEY (thread_id, msg_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Messages that one user does not want to see any more.
CREATE TABLE IF NOT EXISTS hidden (
    user_id INT NOT NULL,
    thread_id BIGINT NOT NULL,
    msg_id BIGINT NOT NULL,
    PRIMARY KEY (user_id, thread_id, msg_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
