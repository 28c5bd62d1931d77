-- How many processes died with the message in their hands: they are not its failures, unless there are very many.
ALTER TABLE queue_messages ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
