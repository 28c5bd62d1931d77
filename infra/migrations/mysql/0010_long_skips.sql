-- One user may have more contacts skipped for one reason than 64 KiB of ids.
ALTER TABLE skips MODIFY COLUMN contact_ids MEDIUMTEXT NOT NULL;
