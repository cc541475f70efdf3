-- When a play came on screen: rules and caps count it whatever became of it. Rows of an earlier release have
-- none, and their outcome says it to who reads them; they are not written anew, because the log is long and
-- servers run meanwhile.
ALTER TABLE play ADD COLUMN shown_at BIGINT;
