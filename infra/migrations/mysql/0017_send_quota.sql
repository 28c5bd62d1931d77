-- What all workers together have been granted to send. Where Redis keeps that, there is no row.
-- held_until: nothing starts before. others: letters of the last 24 hours that are not counted here.
-- recent, of_day: what was granted in the last stretch of the pace, and in the last 24 hours: "moment:letters,…", moments in
-- microseconds since 1970.
CREATE TABLE send_log (
    name       VARCHAR(16) NOT NULL PRIMARY KEY,
    held_until DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00',
    others     BIGINT      NOT NULL DEFAULT 0,
    recent     TEXT        NOT NULL,
    of_day     TEXT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What is known of the quota. per_second, per_day: by the provider's own word; 0 and -1 while it has said nothing, or sets no
-- limit. bounces_leave, complaints_leave: how much of the pace they leave, in hundredths. answered: whether anybody has
-- looked it up yet.
CREATE TABLE send_quota (
    name             VARCHAR(16) NOT NULL PRIMARY KEY,
    asked_at         DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00',
    answered         TINYINT     NOT NULL DEFAULT 0,
    per_second       DOUBLE      NOT NULL DEFAULT 0,
    per_day          BIGINT      NOT NULL DEFAULT -1,
    bounces_leave    INT         NOT NULL DEFAULT 100,
    complaints_leave INT         NOT NULL DEFAULT 100
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
