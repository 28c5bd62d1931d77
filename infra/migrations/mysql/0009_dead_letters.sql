-- Dead letters: what landed in a dead-letter queue, and why. A message that is handed over twice is one letter.
-- kind: batch, firing, feedback. target: the function that it was for. attributes: what stood beside the body, as JSON.
-- run_id, batch_id: 0 where it was for none.
CREATE TABLE dead_letters (
    id          BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    queue       VARCHAR(80)   NOT NULL,
    message_id  VARCHAR(100)  NOT NULL,
    kind        VARCHAR(16)   NOT NULL,
    target      VARCHAR(255)  NOT NULL,
    cause       TEXT          NOT NULL,
    run_id      BIGINT        NOT NULL DEFAULT 0,
    batch_id    BIGINT        NOT NULL DEFAULT 0,
    body        MEDIUMTEXT    NOT NULL,
    attributes  TEXT          NOT NULL,
    recorded_at DATETIME(6)   NOT NULL,
    UNIQUE KEY dead_letters_message (queue, message_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
