-- A redrive is a run of its own that does a closed run's parked batches again.
-- parent_id: the run whose batches it does again, 0 for none. letters_per_second: how fast its batches are let go, 0 for
-- at once.
ALTER TABLE runs ADD COLUMN parent_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN letters_per_second INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_parent ON runs (parent_id);

-- redriven_by: the run that does this parked batch again, 0 for none. redriven_as: the batch that it became there, 0 until
-- it did. redriven_letters: how many of its failed invitations went along.
ALTER TABLE batches ADD COLUMN redriven_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN redriven_as INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN redriven_letters INTEGER NOT NULL DEFAULT 0;
