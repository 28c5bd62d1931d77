-- The planner's fuse: where a run's planner stood when the keeper last started it again, and how often such a resume was
-- refused because it stood there still. -1: it never was, or a person has had it go on since.
ALTER TABLE runs ADD COLUMN resumed_checkpoint INTEGER NOT NULL DEFAULT -1;
ALTER TABLE runs ADD COLUMN resumed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN resumed_by TEXT NOT NULL DEFAULT '00000000000000000000000000000000';
ALTER TABLE runs ADD COLUMN vain_resumes INTEGER NOT NULL DEFAULT 0;
