-- Alerts: a row per condition, which is raised or has cleared. times: how often it was found since it was raised.
CREATE TABLE alerts (
    job      VARCHAR(64) NOT NULL,
    cause    VARCHAR(64) NOT NULL,
    subject  VARCHAR(64) NOT NULL,
    state    VARCHAR(16) NOT NULL DEFAULT 'cleared',
    severity VARCHAR(16) NOT NULL,
    message  TEXT        NOT NULL,
    run_id   BIGINT      NOT NULL DEFAULT 0,
    times    BIGINT      NOT NULL DEFAULT 0,
    first_at DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00',
    last_at  DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00',
    PRIMARY KEY (job, cause, subject),
    KEY alerts_state (state, last_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
