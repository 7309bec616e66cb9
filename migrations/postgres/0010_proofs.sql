-- Which factors a sign-in relies on and when each was shown; and with what kind of program, so that a
-- sign-in with another is told to the account's owner.
ALTER TABLE sessions
    ADD COLUMN proofs json NOT NULL DEFAULT '[]',
    ADD COLUMN device text NOT NULL DEFAULT '';
