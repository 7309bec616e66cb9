-- What a password has been through: whether others are known to know it, so that it signs nobody in, and
-- whether it was set by a mailed link, so that a mailed code is no second way to its account.
ALTER TABLE users ADD COLUMN password_compromised INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN password_by_mail INTEGER NOT NULL DEFAULT 0;
