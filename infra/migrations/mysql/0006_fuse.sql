-- The planner's fuse: where a run's planner stood when the keeper last started it again, and how often such a resume was
-- refused because it stood there still. -1: it never was, or a person has had it go on since.
ALTER TABLE runs
    ADD COLUMN resumed_checkpoint BIGINT      NOT NULL DEFAULT -1,
    ADD COLUMN resumed_at         DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00',
    ADD COLUMN resumed_by         CHAR(32)    NOT NULL DEFAULT '00000000000000000000000000000000',
    ADD COLUMN vain_resumes       INT         NOT NULL DEFAULT 0;
