-- Only MySQL's texts have a limit: there, one user may have more contacts skipped for one reason than 64 KiB of ids.
SELECT 1;
