-- Every statement may run again: MySQL commits each by itself, and the answer to one may have been lost.
-- Accounts, profiles, friends, threads and their messages.
-- Ids of users are 31 bits, of threads and messages 63 bits; times are milliseconds since 1970 in UTC.

CREATE TABLE IF NOT EXISTS accounts (
    user_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    username VARCHAR(50) NOT NULL,
    -- NFKC casefold of the name in UTF-8, compared byte for byte (binary: no collation pads it)
    username_key VARBINARY(800) NOT NULL,
    email VARCHAR(254) NOT NULL,
    email_key VARBINARY(254) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY accounts_username (username_key),
    UNIQUE KEY accounts_email (email_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin AUTO_INCREMENT=100001;

CREATE TABLE IF NOT EXISTS profiles (
    user_id INT NOT NULL PRIMARY KEY,
    nickname VARCHAR(50) NOT NULL DEFAULT '',
    avatar VARCHAR(255) NOT NULL DEFAULT '',
    description VARCHAR(500) NOT NULL DEFAULT '',
    sex TINYINT NOT NULL DEFAULT 0,
    CONSTRAINT profiles_account FOREIGN KEY (user_id) REFERENCES accounts (user_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row for an unordered pair of users, so that crossing requests meet in it.
CREATE TABLE IF NOT EXISTS friend_requests (
    low_id INT NOT NULL,
    high_id INT NOT NULL,
    src_id INT NOT NULL,
    dst_id INT NOT NULL,
    nickname VARCHAR(50) NOT NULL DEFAULT '',
    message VARCHAR(255) NOT NULL DEFAULT '',
    -- 0 none (never asked, or declined), 1 pending, 2 accepted
    state TINYINT NOT NULL DEFAULT 0,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (low_id, high_id),
    KEY friend_requests_pending (dst_id, state, src_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Both directions of a friendship, each with the name that the one gave the other.
CREATE TABLE IF NOT EXISTS friendships (
    user_id INT NOT NULL,
    friend_id INT NOT NULL,
    alternative_name VARCHAR(50) NOT NULL DEFAULT '',
    thread_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, friend_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS blocks (
    user_id INT NOT NULL,
    blocked_id INT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The head of a thread. Whoever appends to the thread holds this row's lock, so the last id and
-- the right to write are decided in one place; a private thread names its two users, a group has none here.
CREATE TABLE IF NOT EXISTS threads (
    thread_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- 0 private, 1 group
    kind TINYINT NOT NULL DEFAULT 0,
    low_id INT NULL,
    high_id INT NULL,
    -- private: 1 friends, 2 blocked by the low one, 4 blocked by the high one
    flags TINYINT NOT NULL DEFAULT 0,
    title VARCHAR(100) NOT NULL DEFAULT '',
    last_msg_id BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL DEFAULT 0,
    UNIQUE KEY threads_pair (low_id, high_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Who belongs to a thread, and how far they have received and read it (ids of messages; they only grow).
CREATE TABLE IF NOT EXISTS members (
    thread_id BIGINT NOT NULL,
    user_id INT NOT NULL,
    role TINYINT NOT NULL DEFAULT 0,
    delivered_id BIGINT NOT NULL DEFAULT 0,
    read_id BIGINT NOT NULL DEFAULT 0,
    joined_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (thread_id, user_id),
    KEY members_user (user_id, thread_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A page of a thread is one range of the primary key. The time of a message is in its id.
CREATE TABLE IF NOT EXISTS messages (
    thread_id BIGINT NOT NULL,
    msg_id BIGINT NOT NULL,
    sender_id INT NOT NULL,
    kind TINYINT NOT NULL,
    -- 0 as sent, 2 revoked; whether it is read follows from the members' marks
    status TINYINT NOT NULL DEFAULT 0,
    -- what the client made up to recognise a resend, compared byte for byte; NULL for messages of the server
    unique_id VARBINARY(256) NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (thread_id, msg_id),
    UNIQUE KEY messages_unique (sender_id, unique_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Numbers of message-writing nodes (10 bits of every message id), each leased to one process at a time;
-- all 1,024 rows are there from the start, so that a lease is one row's lock and nothing more.
CREATE TABLE IF NOT EXISTS nodes (
    number SMALLINT NOT NULL PRIMARY KEY,
    holder VARCHAR(64) NOT NULL DEFAULT '',
    expires_at BIGINT NOT NULL DEFAULT 0,
    -- an id this number has surely not passed yet when the lease ends
    floor_id BIGINT NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO nodes (number)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 31)
SELECT high.i * 32 + low.i FROM n AS high CROSS JOIN n AS low;
