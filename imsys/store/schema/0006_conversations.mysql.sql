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
    -- all messages up to this one are
    all_before TINYINT NOT NULL DEFAULT 0,
    -- of the change by which it was hidden: profiles.own_number, then
    number BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, thread_id, msg_id),
    KEY hidden_number (user_id, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Whom messages mention; user 0 is everybody.
CREATE TABLE IF NOT EXISTS mentions (
    thread_id BIGINT NOT NULL,
    user_id INT NOT NULL,
    msg_id BIGINT NOT NULL,
    PRIMARY KEY (thread_id, user_id, msg_id),
    KEY mentions_message (thread_id, msg_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Messages that expire, and when.
CREATE TABLE IF NOT EXISTS expiring (
    thread_id BIGINT NOT NULL,
    msg_id BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (thread_id, msg_id),
    KEY expiring_due (due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- How a user keeps a thread. No row: as all are at first.
CREATE TABLE IF NOT EXISTS thread_settings (
    user_id INT NOT NULL,
    thread_id BIGINT NOT NULL,
    -- no notices of it until then; 0: there are
    muted_until BIGINT NOT NULL DEFAULT 0,
    -- since when it stands before the others; 0: it does not
    pinned_at BIGINT NOT NULL DEFAULT 0,
    archived TINYINT NOT NULL DEFAULT 0,
    -- a text that is not sent yet
    draft TEXT NOT NULL,
    -- of the last change: profiles.own_number, then
    number BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, thread_id),
    KEY thread_settings_pinned (user_id, pinned_at),
    KEY thread_settings_number (user_id, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Texts that the server sends later.
CREATE TABLE IF NOT EXISTS scheduled (
    schedule_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id INT NOT NULL,
    thread_id BIGINT NOT NULL,
    -- of the request
    unique_id VARBINARY(256) NOT NULL,
    due_at BIGINT NOT NULL,
    content TEXT NOT NULL,
    -- as in messages
    extra TEXT NULL,
    -- when a server takes it next: when it is due, and then, if the one that took it has not sent it, when its lease ends
    next_at BIGINT NOT NULL,
    -- who took it last, a random number; 0: nobody has
    lease BIGINT NOT NULL DEFAULT 0,
    UNIQUE KEY scheduled_unique (user_id, unique_id),
    KEY scheduled_user (user_id, due_at, schedule_id),
    KEY scheduled_next (next_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Users who were asked to join a group, and have not answered.
CREATE TABLE IF NOT EXISTS invitations (
    thread_id BIGINT NOT NULL,
    user_id INT NOT NULL,
    inviter_id INT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (thread_id, user_id),
    KEY invitations_user (user_id, thread_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Users who have left a group, or were removed: by the last such entry of its log, also where they have come back since.
CREATE TABLE IF NOT EXISTS departures (
    user_id INT NOT NULL,
    thread_id BIGINT NOT NULL,
    entry_id BIGINT NOT NULL,
    actor_id INT NOT NULL,
    PRIMARY KEY (user_id, thread_id),
    KEY departures_entry (user_id, entry_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Links by which users join a group.
CREATE TABLE IF NOT EXISTS group_links (
    -- 128 random bits
    link BINARY(16) NOT NULL PRIMARY KEY,
    thread_id BIGINT NOT NULL,
    created_by INT NOT NULL,
    created_at BIGINT NOT NULL,
    -- 0 never
    expires_at BIGINT NOT NULL,
    -- how often it may be used, 0 without a bound; and how often it was
    uses INT NOT NULL,
    used INT NOT NULL DEFAULT 0,
    -- whether an admin has to approve
    approval TINYINT NOT NULL,
    KEY group_links_thread (thread_id, created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Users who came by a link, and wait for an admin to approve.
CREATE TABLE IF NOT EXISTS join_requests (
    thread_id BIGINT NOT NULL,
    user_id INT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (thread_id, user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
