-- What a batch's letters are: invitation; first or second, reminders whose subjects are batches of invitations.
ALTER TABLE batches ADD COLUMN letters TEXT NOT NULL DEFAULT 'invitation';
