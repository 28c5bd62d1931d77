-- Runs: a job's firings, the batches each was divided into, and what waits to be said about them.
CREATE TABLE runs (
    id             BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    job            VARCHAR(64)  NOT NULL,
    run_key        VARCHAR(64)  NOT NULL,
    owner_token    CHAR(32)     NOT NULL,
    trigger_kind   VARCHAR(16)  NOT NULL,
    scheduled_at   DATETIME(6)  NOT NULL,
    started_at     DATETIME(6)  NOT NULL,
    finished_at    DATETIME(6)  NOT NULL DEFAULT '1970-01-01 00:00:00',
    state          VARCHAR(16)  NOT NULL DEFAULT 'open',
    control        VARCHAR(16)  NOT NULL DEFAULT 'run',
    parameters     TEXT         NOT NULL,
    checkpoint     BIGINT       NOT NULL DEFAULT 0,
    checkpoint_at  DATETIME(6)  NOT NULL DEFAULT '1970-01-01 00:00:00',
    plan_complete  TINYINT      NOT NULL DEFAULT 0,
    planned        BIGINT       NOT NULL DEFAULT 0,
    ledger         TEXT         NOT NULL,
    error          TEXT         NOT NULL,
    peak_rss_bytes BIGINT       NOT NULL DEFAULT 0,
    UNIQUE KEY runs_job_key (job, run_key),
    KEY runs_state (state, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- subjects: the users of the batch and how many contacts each had when the run was planned, "7:20,8:19".
-- cursor_position: positions before it have been claimed. claims: how many claims there were, the fence between workers.
CREATE TABLE batches (
    id              BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    run_id          BIGINT      NOT NULL,
    subjects        TEXT        NOT NULL,
    planned         INT         NOT NULL,
    state           VARCHAR(16) NOT NULL DEFAULT 'planned',
    prepared_by     CHAR(32)    NOT NULL DEFAULT '00000000000000000000000000000000',
    cursor_position INT         NOT NULL DEFAULT 0,
    claims          INT         NOT NULL DEFAULT 0,
    queued          TINYINT     NOT NULL DEFAULT 0,
    not_before      DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00',
    tries           INT         NOT NULL DEFAULT 0,
    cause           TEXT        NOT NULL,
    finished_at     DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00',
    KEY batches_run (run_id, state),
    KEY batches_to_queue (state, queued, not_before)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What a closed run has to say, written with its closing and sent afterwards.
CREATE TABLE outbox (
    id         BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    run_id     BIGINT      NOT NULL,
    kind       VARCHAR(16) NOT NULL,
    body       TEXT        NOT NULL,
    state      VARCHAR(16) NOT NULL DEFAULT 'due',
    not_before DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00',
    tries      INT         NOT NULL DEFAULT 0,
    error      TEXT        NOT NULL,
    KEY outbox_due (state, not_before),
    KEY outbox_run (run_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The news of one machine: where there is no topic and no bus, events and alerts stay here.
CREATE TABLE news (
    id        BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    kind      VARCHAR(16) NOT NULL,
    subject   VARCHAR(64) NOT NULL,
    body      TEXT        NOT NULL,
    happened_at DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The queue of one machine: where there is no SQS, messages stand here.
CREATE TABLE queue_messages (
    id            BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    queue         VARCHAR(64) NOT NULL,
    body          TEXT        NOT NULL,
    sent_at       DATETIME(6) NOT NULL,
    visible_at    DATETIME(6) NOT NULL,
    receive_count INT         NOT NULL DEFAULT 0,
    receipt       CHAR(32)    NOT NULL DEFAULT '00000000000000000000000000000000',
    holder        CHAR(32)    NOT NULL DEFAULT '00000000000000000000000000000000',
    dead          TINYINT     NOT NULL DEFAULT 0,
    KEY queue_messages_visible (queue, dead, visible_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Keys made once for these records: short codes and unsubscribe links depend on them.
CREATE TABLE link_keys (
    name       VARCHAR(32) NOT NULL PRIMARY KEY,
    secret     BINARY(32)  NOT NULL,
    created_at DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
