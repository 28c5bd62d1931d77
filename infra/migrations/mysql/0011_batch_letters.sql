-- What a batch's letters are: invitation; first or second, reminders whose subjects are batches of invitations.
-- A large table: only its description changes, or the migration fails at once and nothing has been done.
ALTER TABLE batches ADD COLUMN letters VARCHAR(16) NOT NULL DEFAULT 'invitation', ALGORITHM=INSTANT;
