-- What providers said about letters after they took them: a row for each attempt at a letter and kind, however often it was
-- said. Ids, codes and times; nobody's address.
-- letter: 0 the invitation itself, 1 its first reminder, 2 its second. batch_id, claim: the attempt.
-- kind: 0 sent, 1 delivered, 2 delayed, 3 opened, 4 clicked, 5 bounced for now, 6 bounced for good, 7 reported as spam,
-- 8 rejected, 9 not rendered. happened_at: the first time. claimed_at: when the attempt was made, by our clock.
CREATE TABLE feedback (
    invitation_id BIGINT       NOT NULL,
    letter        TINYINT      NOT NULL,
    batch_id      BIGINT       NOT NULL,
    claim         INT          NOT NULL,
    kind          TINYINT      NOT NULL,
    happened_at   DATETIME(6)  NOT NULL,
    claimed_at    DATETIME(6)  NOT NULL,
    recorded_at   DATETIME(6)  NOT NULL,
    code          VARCHAR(64)  NOT NULL,
    provider_id   VARCHAR(128) NOT NULL,
    PRIMARY KEY (invitation_id, letter, batch_id, claim, kind)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
