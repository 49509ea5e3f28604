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

-- What runs could go on from: the folders are on the disk of the control silo, or in its archive.
CREATE VIEW Checkpoints AS
SELECT Run, Number, Step, Event::json ->> 'checkpoint' AS Folder, (Event::json -> 'point' ->> 'validationLoss')::double precision AS ValidationLoss, (Event::json ->> 'at')::timestamptz AS WrittenAt
FROM Events
WHERE Event::json ->> 'event' = 'checkpoint';

REVOKE ALL ON Checkpoints FROM PUBLIC, iota_miner;
GRANT SELECT ON Checkpoints TO iota_control;
