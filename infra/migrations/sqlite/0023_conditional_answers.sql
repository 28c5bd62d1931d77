-- What GitHub told last at each address, and by which ETag it knows that: so that it is asked only for what has changed.
CREATE TABLE conditional_answers (
    -- SHA-256, in hexadecimal digits.
    url_hash TEXT NOT NULL PRIMARY KEY,
    -- Empty where there was none.
    etag TEXT NOT NULL,
    -- What was read of the answer, as JSON.
    facts TEXT NOT NULL,
    -- When it was told, or last said not to have changed.
    answered_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX conditional_answers_age ON conditional_answers (answered_at);
