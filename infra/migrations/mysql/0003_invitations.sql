-- Invitations: who is in a month's cycle, what each contact was sent, and why others were not.
CREATE TABLE cycle_members (
    month     INT         NOT NULL,
    user_id   BIGINT      NOT NULL,
    batch_id  BIGINT      NOT NULL,
    joined_at DATETIME(6) NOT NULL,
    PRIMARY KEY (month, user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- id: the batch's id times 65536 plus the position in it, so a claim is a range of the primary key.
-- send_state: 0 planned, 2 sent, 3 failed, 4 in doubt, 5 cancelled (1, sending, is a planned row under an open claim).
-- status: 0 queued, 1 sent, 2 opened, 3 started, 4 submitted, 5 expired, 6 bounced, 7 cancelled. kind: 0 external, 1 user.
CREATE TABLE invitations (
    id           BIGINT       NOT NULL PRIMARY KEY,
    month        INT          NOT NULL,
    user_id      BIGINT       NOT NULL,
    contact_id   BIGINT       NOT NULL,
    to_email     VARCHAR(254) NOT NULL,
    token        BINARY(32)   NOT NULL,
    kind         TINYINT      NOT NULL DEFAULT 0,
    priority     TINYINT      NOT NULL DEFAULT 0,
    send_state   TINYINT      NOT NULL DEFAULT 0,
    status       TINYINT      NOT NULL DEFAULT 0,
    sent_at      DATETIME(6)  NOT NULL DEFAULT '1970-01-01 00:00:00',
    opened_at    DATETIME(6)  NOT NULL DEFAULT '1970-01-01 00:00:00',
    started_at   DATETIME(6)  NOT NULL DEFAULT '1970-01-01 00:00:00',
    submitted_at DATETIME(6)  NOT NULL DEFAULT '1970-01-01 00:00:00',
    expires_at   DATETIME(6)  NOT NULL,
    UNIQUE KEY invitations_month_contact (month, contact_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row per claim, which is one call to a provider: positions first to last of a batch, or those listed.
-- state: 0 open, 1 settled, 2 in doubt. outcome: provider ids and refusals, one line a position.
CREATE TABLE sends (
    batch_id       BIGINT      NOT NULL,
    claim          INT         NOT NULL,
    nonce          CHAR(8)     NOT NULL,
    holder         CHAR(32)    NOT NULL,
    provider       VARCHAR(16) NOT NULL,
    first_position INT         NOT NULL,
    last_position  INT         NOT NULL,
    listed         TEXT        NOT NULL,
    letters        INT         NOT NULL,
    state          TINYINT     NOT NULL DEFAULT 0,
    claimed_at     DATETIME(6) NOT NULL,
    lease_until    DATETIME(6) NOT NULL,
    settled_at     DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00',
    accepted       INT         NOT NULL DEFAULT 0,
    refused        INT         NOT NULL DEFAULT 0,
    outcome        TEXT        NOT NULL,
    PRIMARY KEY (batch_id, claim),
    KEY sends_open (state, lease_until)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Who was not written to, and why: one row per user and reason, with the contacts that it holds for, "12,15".
CREATE TABLE skips (
    run_id      BIGINT      NOT NULL,
    batch_id    BIGINT      NOT NULL,
    user_id     BIGINT      NOT NULL,
    reason      VARCHAR(24) NOT NULL,
    contacts    INT         NOT NULL,
    contact_ids TEXT        NOT NULL,
    skipped_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (run_id, batch_id, user_id, reason),
    KEY skips_user (user_id, run_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
