-- Dead letters: what landed in a dead-letter queue, and why. A message that is handed over twice is one letter.
-- kind: batch, firing, feedback. target: the function that it was for. attributes: what stood beside the body, as JSON.
-- run_id, batch_id: 0 where it was for none.
CREATE TABLE dead_letters (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    queue       TEXT    NOT NULL,
    message_id  TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    cause       TEXT    NOT NULL,
    run_id      INTEGER NOT NULL DEFAULT 0,
    batch_id    INTEGER NOT NULL DEFAULT 0,
    body        TEXT    NOT NULL,
    attributes  TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    UNIQUE (queue, message_id)
);
