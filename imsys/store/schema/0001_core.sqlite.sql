-- Accounts, profiles, friends, threads and their messages.
-- Ids of users are 31 bits, of threads and messages 63 bits; times are milliseconds since 1970 in UTC.

CREATE TABLE accounts (
    user_id INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL,
    -- NFKC casefold of the name in UTF-8, compared byte for byte
    username_key BLOB NOT NULL,
    email TEXT NOT NULL,
    email_key BLOB NOT NULL,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_username ON accounts (username_key);
CREATE UNIQUE INDEX accounts_email ON accounts (email_key);

INSERT INTO sqlite_sequence (name, seq) VALUES ('accounts', 100000);

CREATE TABLE profiles (
    user_id INTEGER NOT NULL PRIMARY KEY,
    nickname TEXT NOT NULL DEFAULT '',
    avatar TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    sex INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT profiles_account FOREIGN KEY (user_id) REFERENCES accounts (user_id) ON DELETE CASCADE
) STRICT;

-- One row for an unordered pair of users, so that crossing requests meet in it.
CREATE TABLE friend_requests (
    low_id INTEGER NOT NULL,
    high_id INTEGER NOT NULL,
    src_id INTEGER NOT NULL,
    dst_id INTEGER NOT NULL,
    nickname TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    -- 0 none (never asked, or declined), 1 pending, 2 accepted
    state INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (low_id, high_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX friend_requests_pending ON friend_requests (dst_id, state, src_id);

-- Both directions of a friendship, each with the name that the one gave the other.
CREATE TABLE friendships (
    user_id INTEGER NOT NULL,
    friend_id INTEGER NOT NULL,
    alternative_name TEXT NOT NULL DEFAULT '',
    thread_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, friend_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE blocks (
    user_id INTEGER NOT NULL,
    blocked_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
) STRICT, WITHOUT ROWID;

-- The head of a thread. Whoever appends to the thread holds this row's lock, so the last id and
-- the right to write are decided in one place; a private thread names its two users, a group has none here.
CREATE TABLE threads (
    thread_id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- 0 private, 1 group
    kind INTEGER NOT NULL DEFAULT 0,
    low_id INTEGER NULL,
    high_id INTEGER NULL,
    -- private: 1 friends, 2 blocked by the low one, 4 blocked by the high one
    flags INTEGER NOT NULL DEFAULT 0,
    title TEXT NOT NULL DEFAULT '',
    last_msg_id INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX threads_pair ON threads (low_id, high_id);

-- Who belongs to a thread, and how far they have received and read it (ids of messages; they only grow).
CREATE TABLE members (
    thread_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    role INTEGER NOT NULL DEFAULT 0,
    delivered_id INTEGER NOT NULL DEFAULT 0,
    read_id INTEGER NOT NULL DEFAULT 0,
    joined_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (thread_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_user ON members (user_id, thread_id);

-- A page of a thread is one range of the primary key. The time of a message is in its id.
CREATE TABLE messages (
    thread_id INTEGER NOT NULL,
    msg_id INTEGER NOT NULL,
    sender_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    -- 0 as sent, 2 revoked; whether it is read follows from the members' marks
    status INTEGER NOT NULL DEFAULT 0,
    -- what the client made up to recognise a resend, compared byte for byte; NULL for messages of the server
    unique_id BLOB NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (thread_id, msg_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX messages_unique ON messages (sender_id, unique_id);

-- Numbers of message-writing nodes (10 bits of every message id), each leased to one process at a time;
-- all 1,024 rows are there from the start, so that a lease is one row's lock and nothing more.
CREATE TABLE nodes (
    number INTEGER NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL DEFAULT '',
    expires_at INTEGER NOT NULL DEFAULT 0,
    -- an id this number has surely not passed yet when the lease ends
    floor_id INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO nodes (number)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 31)
SELECT high.i * 32 + low.i FROM n AS high CROSS JOIN n AS low;
