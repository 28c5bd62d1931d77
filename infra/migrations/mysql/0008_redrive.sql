-- A redrive is a run of its own that does a closed run's parked batches again.
-- parent_id: the run whose batches it does again, 0 for none. letters_per_second: how fast its batches are let go, 0 for
-- at once.
ALTER TABLE runs
    ADD COLUMN parent_id BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN letters_per_second INT NOT NULL DEFAULT 0,
    ADD KEY runs_parent (parent_id);

-- redriven_by: the run that does this parked batch again, 0 for none. redriven_as: the batch that it became there, 0 until
-- it did. redriven_letters: how many of its failed invitations went along.
ALTER TABLE batches
    ADD COLUMN redriven_by BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN redriven_as BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN redriven_letters INT NOT NULL DEFAULT 0;
