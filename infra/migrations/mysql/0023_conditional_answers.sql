-- What GitHub told last at each address, and by which ETag it knows that: so that it is asked only for what has changed.
CREATE TABLE conditional_answers (
    -- SHA-256, in hexadecimal digits.
    url_hash    CHAR(64)     NOT NULL,
    -- Empty where there was none.
    etag        VARCHAR(255) NOT NULL,
    -- What was read of the answer, as JSON.
    facts       TEXT         NOT NULL,
    -- When it was told, or last said not to have changed.
    answered_at DATETIME(6)  NOT NULL,
    PRIMARY KEY (url_hash),
    KEY conditional_answers_age (answered_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
