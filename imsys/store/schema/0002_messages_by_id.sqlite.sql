-- Messages in the order of their ids: what is written together lies together, at the end of the table,
-- where it was scattered over one page of the file for each thread. A page of a thread goes by the index.
CREATE TABLE messages_by_id (
    msg_id INTEGER NOT NULL PRIMARY KEY,
    thread_id INTEGER NOT NULL,
    sender_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    -- 0 as sent, 2 revoked; whether it is read follows from the members' marks
    status INTEGER NOT NULL DEFAULT 0,
    -- what the client made up to recognise a resend, compared byte for byte; NULL for messages of the server
    unique_id BLOB NULL,
    content TEXT NOT NULL
) STRICT;

INSERT INTO messages_by_id (msg_id, thread_id, sender_id, kind, status, unique_id, content)
SELECT msg_id, thread_id, sender_id, kind, status, unique_id, content FROM messages ORDER BY msg_id;

DROP TABLE messages;

ALTER TABLE messages_by_id RENAME TO messages;

CREATE UNIQUE INDEX messages_unique ON messages (sender_id, unique_id);

CREATE INDEX messages_thread ON messages (thread_id, msg_id);
