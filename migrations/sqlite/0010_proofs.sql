-- Which factors a sign-in relies on and when each was shown; and with what kind of program, so that a
-- sign-in with another is told to the account's owner.
ALTER TABLE sessions ADD COLUMN proofs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
