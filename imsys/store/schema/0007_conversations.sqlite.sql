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
    -- all messages up to this one are
    all_before INTEGER NOT NULL DEFAULT 0,
    -- of the change by which it was hidden: profiles.own_number, then
    number INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, thread_id, msg_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX hidden_number ON hidden (user_id, number);

-- Whom messages mention; user 0 is everybody.
CREATE TABLE mentions (
    thread_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    msg_id INTEGER NOT NULL,
    PRIMARY KEY (thread_id, user_id, msg_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mentions_message ON mentions (thread_id, msg_id);

-- Messages that expire, and when.
CREATE TABLE expiring (
    thread_id INTEGER NOT NULL,
    msg_id INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    PRIMARY KEY (thread_id, msg_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX expiring_due ON expiring (due_at);

-- How a user keeps a thread. No row: as all are at first.
CREATE TABLE thread_settings (
    user_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    -- no notices of it until then; 0: there are
    muted_until INTEGER NOT NULL DEFAULT 0,
    -- since when it stands before the others; 0: it does not
    pinned_at INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0,
    -- a text that is not sent yet
    draft TEXT NOT NULL,
    -- of the last change: profiles.own_number, then
    number INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, thread_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_settings_number ON thread_settings (user_id, number);
CREATE INDEX thread_settings_pinned ON thread_settings (user_id, pinned_at);

-- Texts that the server sends later.
CREATE TABLE scheduled (
    schedule_id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    -- of the request
    unique_id BLOB NOT NULL,
    due_at INTEGER NOT NULL,
    content TEXT NOT NULL,
    -- as in messages
    extra TEXT NULL,
    -- when a server takes it next: when it is due, and then, if the one that took it has not sent it, when its lease ends
    next_at INTEGER NOT NULL,
    -- who took it last, a random number; 0: nobody has
    lease INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX scheduled_unique ON scheduled (user_id, unique_id);
CREATE INDEX scheduled_user ON scheduled (user_id, due_at, schedule_id);
CREATE INDEX scheduled_next ON scheduled (next_at);

-- Users who were asked to join a group, and have not answered.
CREATE TABLE invitations (
    thread_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    inviter_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (thread_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_user ON invitations (user_id, thread_id);

-- Users who have left a group, or were removed: by the last such entry of its log, also where they have come back since.
CREATE TABLE departures (
    user_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    entry_id INTEGER NOT NULL,
    actor_id INTEGER NOT NULL,
    PRIMARY KEY (user_id, thread_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX departures_entry ON departures (user_id, entry_id);

-- Links by which users join a group.
CREATE TABLE group_links (
    -- 128 random bits
    link BLOB NOT NULL PRIMARY KEY,
    thread_id INTEGER NOT NULL,
    created_by INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- 0 never
    expires_at INTEGER NOT NULL,
    -- how often it may be used, 0 without a bound; and how often it was
    uses INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    -- whether an admin has to approve
    approval INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX group_links_thread ON group_links (thread_id, created_at);

-- Users who came by a link, and wait for an admin to approve.
CREATE TABLE join_requests (
    thread_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (thread_id, user_id)
) STRICT, WITHOUT ROWID;
