-- How far the clean-up has swept a batch: 0 its letters stand, or have not been looked at since; 1 its invitations are
-- expired; 2 nothing is left of them, of its calls and its skips.
ALTER TABLE batches
    ADD COLUMN swept TINYINT NOT NULL DEFAULT 0,
    ADD KEY batches_swept (swept);
