-- Live streams: who sends what to which thread, where, and until when.
CREATE TABLE live_streams (
    -- 128 random bits
    stream_id BLOB NOT NULL PRIMARY KEY,
    owner_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    -- whether it is recorded
    record INTEGER NOT NULL,
    -- 0 its publisher is not there, 1 it is, 2 it is over
    state INTEGER NOT NULL DEFAULT 0,
    -- the resources server that its publisher is to come to, or has come to
    server TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- when the publisher first came, and when it was over; 0: not yet
    started_at INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER NOT NULL DEFAULT 0,
    -- when its server last told of it
    seen_at INTEGER NOT NULL,
    -- when it ends, whatever is sent
    latest_at INTEGER NOT NULL,
    -- when it ends unless something is heard of it; NULL: it is over
    due_at INTEGER NULL,
    -- players, when its server last told of it
    viewers INTEGER NOT NULL DEFAULT 0,
    -- whether its thread has the message of it
    posted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX live_streams_owner ON live_streams (owner_id, state);
CREATE INDEX live_streams_thread ON live_streams (thread_id, state);
CREATE INDEX live_streams_due ON live_streams (due_at);
