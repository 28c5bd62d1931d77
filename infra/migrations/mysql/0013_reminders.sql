-- Reminders: a row per message. id, send_state and status are an invitation's: see 0003. kind: 1 first, 2 second.
CREATE TABLE reminders (
    id            BIGINT      NOT NULL PRIMARY KEY,
    invitation_id BIGINT      NOT NULL,
    kind          TINYINT     NOT NULL,
    send_state    TINYINT     NOT NULL DEFAULT 0,
    status        TINYINT     NOT NULL DEFAULT 0,
    sent_at       DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00',
    UNIQUE KEY reminders_invitation (invitation_id, kind)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Second reminders that had to wait for a late first, and when they are looked at again. batch_id: the invitation's.
CREATE TABLE waiting_reminders (
    invitation_id BIGINT      NOT NULL PRIMARY KEY,
    batch_id      BIGINT      NOT NULL,
    due_at        DATETIME(6) NOT NULL,
    KEY waiting_reminders_due (due_at, batch_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
