-- Every statement may run again: MySQL commits each by itself, and the answer to one may have been lost.
-- Files: what users offered, what is kept of it, and what is still to be told to a thread.

-- What is in a store: equal content once in each, sealed under a key of its own.
CREATE TABLE IF NOT EXISTS contents (
    content_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- which store: a resources server's name for its disk, or s3
    store VARCHAR(63) NOT NULL,
    sha256 BINARY(32) NOT NULL,
    size BIGINT NOT NULL,
    -- its random name in the store
    blob_name VARCHAR(64) NOT NULL,
    -- the master key that its own key is wrapped under; both empty: not encrypted
    key_id VARCHAR(16) NOT NULL,
    wrapped_key VARBINARY(64) NOT NULL,
    -- how many files have this content; none: it is about to be removed
    refs INT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE KEY contents_sum (store, sha256, size),
    UNIQUE KEY contents_blob (blob_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS files (
    -- 128 random bits
    file_id BINARY(16) NOT NULL PRIMARY KEY,
    owner_id INT NOT NULL,
    -- 0 for a message, 1 an avatar, 2 by the original upload service, 3 made of another file (thumbnail, poster)
    purpose TINYINT NOT NULL,
    -- the thread that it is for; NULL where it is for none
    thread_id BIGINT NULL,
    -- the resources server that takes it, and whose spool it is in until it is whole
    server VARCHAR(63) NOT NULL,
    filename VARCHAR(255) NOT NULL,
    size BIGINT NOT NULL,
    mime VARCHAR(127) NOT NULL,
    -- what the sender says that it is; NULL: nothing
    offered_sha256 BINARY(32) NULL,
    -- 0 on its way, 1 whole, 2 refused
    state TINYINT NOT NULL DEFAULT 0,
    -- of a file that is on its way: the key of what is in the spool
    key_id VARCHAR(16) NOT NULL,
    wrapped_key VARBINARY(64) NOT NULL,
    content_id BIGINT NULL,
    -- a file of purpose 3
    thumbnail_id BINARY(16) NULL,
    created_at BIGINT NOT NULL,
    -- when a file that is still on its way is given up
    expires_at BIGINT NOT NULL,
    KEY files_owner (owner_id, file_id),
    KEY files_open (owner_id, state, expires_at),
    KEY files_named (owner_id, purpose, filename(100)),
    KEY files_thread (thread_id, file_id),
    KEY files_expiring (server, state, expires_at),
    KEY files_content (content_id),
    KEY files_thumbnail (thumbnail_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Bytes and number of each user's files, those on their way included.
CREATE TABLE IF NOT EXISTS file_usage (
    user_id INT NOT NULL PRIMARY KEY,
    bytes BIGINT NOT NULL,
    files INT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Whole files that their threads have not been told of.
CREATE TABLE IF NOT EXISTS file_outbox (
    file_id BINARY(16) NOT NULL PRIMARY KEY,
    server VARCHAR(63) NOT NULL,
    due_at BIGINT NOT NULL,
    attempts INT NOT NULL DEFAULT 0,
    KEY file_outbox_due (server, due_at),
    KEY file_outbox_overdue (due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
