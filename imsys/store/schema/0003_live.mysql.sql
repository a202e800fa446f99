-- Every statement may run again: MySQL commits each by itself, and the answer to one may have been lost.
-- Live streams: who sends what to which thread, where, and until when.
CREATE TABLE IF NOT EXISTS live_streams (
    -- 128 random bits
    stream_id BINARY(16) NOT NULL PRIMARY KEY,
    owner_id INT NOT NULL,
    thread_id BIGINT NOT NULL,
    title VARCHAR(100) NOT NULL,
    -- whether it is recorded
    record TINYINT NOT NULL,
    -- 0 its publisher is not there, 1 it is, 2 it is over
    state TINYINT NOT NULL DEFAULT 0,
    -- the resources server that its publisher is to come to, or has come to
    server VARCHAR(63) NOT NULL,
    created_at BIGINT NOT NULL,
    -- when the publisher first came, and when it was over; 0: not yet
    started_at BIGINT NOT NULL DEFAULT 0,
    ended_at BIGINT NOT NULL DEFAULT 0,
    -- when its server last told of it
    seen_at BIGINT NOT NULL,
    -- when it ends, whatever is sent
    latest_at BIGINT NOT NULL,
    -- when it ends unless something is heard of it; NULL: it is over
    due_at BIGINT NULL,
    -- players, when its server last told of it
    viewers INT NOT NULL DEFAULT 0,
    -- whether its thread has the message of it
    posted TINYINT NOT NULL DEFAULT 0,
    KEY live_streams_owner (owner_id, state),
    KEY live_streams_thread (thread_id, state),
    KEY live_streams_due (due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
