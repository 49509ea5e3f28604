-- What was decided in each run, in order: the journal from which the control side can be rebuilt.

CREATE TABLE Events
(
  Run    text   NOT NULL,
  Number bigint NOT NULL, -- ascending; numbers that were promised before a crash may be missing
  Step   bigint NOT NULL, -- the last optimizer step at that time
  Event  text   NOT NULL, -- JSON, as `iota train --json` prints it
  PRIMARY KEY (Run, Number)
);

REVOKE ALL ON Events FROM PUBLIC, iota_miner;
-- What was decided is written once.
GRANT SELECT, INSERT ON Events TO iota_control;
