-- The teams that a run of a monitor judges, as they were at its beginning.
CREATE TABLE monitored_teams (
    run_id    BIGINT       NOT NULL,
    position  BIGINT       NOT NULL,
    team      VARCHAR(128) NOT NULL,
    name      VARCHAR(255) NOT NULL,
    -- Of its variables, those that the monitor reads, as JSON.
    variables TEXT         NOT NULL,
    PRIMARY KEY (run_id, position)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What was measured of each of them, as JSON.
CREATE TABLE measurements (
    run_id   BIGINT NOT NULL,
    position BIGINT NOT NULL,
    measured TEXT   NOT NULL,
    PRIMARY KEY (run_id, position)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What a criterion says of each: the history of every criterion per team.
CREATE TABLE verdicts (
    run_id       BIGINT       NOT NULL,
    position     BIGINT       NOT NULL,
    hackathon    VARCHAR(64)  NOT NULL,
    criterion    VARCHAR(32)  NOT NULL,
    team         VARCHAR(128) NOT NULL,
    -- The scheduled time of the run.
    judged_at    DATETIME(6)  NOT NULL,
    status       VARCHAR(8)   NOT NULL,
    -- -1 for none.
    score        BIGINT       NOT NULL,
    reason       VARCHAR(255) NOT NULL,
    metrics      TEXT         NOT NULL,
    -- 'waiting', 'sent', 'refused' by the Hub, 'kept' for it, 'superseded' by a later one, 'settling' after changes to and fro,
    -- or 'withheld' because it says nothing.
    reported     VARCHAR(12)  NOT NULL DEFAULT 'waiting',
    -- Why it was refused.
    report_error VARCHAR(255) NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, position),
    KEY verdicts_history (hackathon, criterion, team, run_id),
    KEY verdicts_reported (hackathon, criterion, reported, run_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Whose turn it is to tell the Hub of a criterion: one process at a time, so that nothing old overtakes something new.
CREATE TABLE hub_turns (
    hackathon   VARCHAR(64) NOT NULL,
    criterion   VARCHAR(32) NOT NULL,
    token       VARCHAR(32) NOT NULL,
    lease_until DATETIME(6) NOT NULL,
    PRIMARY KEY (hackathon, criterion)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
