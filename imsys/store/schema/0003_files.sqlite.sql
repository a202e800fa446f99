-- Files: what users offered, what is kept of it, and what is still to be told to a thread.

-- What is in a store: equal content once in each, sealed under a key of its own.
CREATE TABLE contents (
    content_id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- which store: a resources server's name for its disk, or s3
    store TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    -- its random name in the store
    blob_name TEXT NOT NULL,
    -- the master key that its own key is wrapped under; both empty: not encrypted
    key_id TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    -- how many files have this content; none: it is about to be removed
    refs INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX contents_sum ON contents (store, sha256, size);
CREATE UNIQUE INDEX contents_blob ON contents (blob_name);

CREATE TABLE files (
    -- 128 random bits
    file_id BLOB NOT NULL PRIMARY KEY,
    owner_id INTEGER NOT NULL,
    -- 0 for a message, 1 an avatar, 2 by the original upload service, 3 made of another file (thumbnail, poster)
    purpose INTEGER NOT NULL,
    -- the thread that it is for; NULL where it is for none
    thread_id INTEGER NULL,
    -- the resources server that takes it, and whose spool it is in until it is whole
    server TEXT NOT NULL,
    filename TEXT NOT NULL,
    size INTEGER NOT NULL,
    mime TEXT NOT NULL,
    -- what the sender says that it is; NULL: nothing
    offered_sha256 BLOB NULL,
    -- 0 on its way, 1 whole, 2 refused
    state INTEGER NOT NULL DEFAULT 0,
    -- of a file that is on its way: the key of what is in the spool
    key_id TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    content_id INTEGER NULL,
    -- a file of purpose 3
    thumbnail_id BLOB NULL,
    created_at INTEGER NOT NULL,
    -- when a file that is still on its way is given up
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX files_owner ON files (owner_id, file_id);
CREATE INDEX files_open ON files (owner_id, state, expires_at);
CREATE INDEX files_named ON files (owner_id, purpose, filename);
CREATE INDEX files_thread ON files (thread_id, file_id);
CREATE INDEX files_expiring ON files (server, state, expires_at);
CREATE INDEX files_content ON files (content_id);
CREATE INDEX files_thumbnail ON files (thumbnail_id);

-- Bytes and number of each user's files, those on their way included.
CREATE TABLE file_usage (
    user_id INTEGER NOT NULL PRIMARY KEY,
    bytes INTEGER NOT NULL,
    files INTEGER NOT NULL
) STRICT;

-- Whole files that their threads have not been told of.
CREATE TABLE file_outbox (
    file_id BLOB NOT NULL PRIMARY KEY,
    server TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX file_outbox_due ON file_outbox (server, due_at);
CREATE INDEX file_outbox_overdue ON file_outbox (due_at);
