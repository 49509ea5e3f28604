-- What was decided in each run, in order: the journal from which the control side can be rebuilt.

CREATE TABLE IF NOT EXISTS Events
(
  Run    TEXT    NOT NULL,
  Number INTEGER NOT NULL, -- ascending; numbers that were promised before a crash may be missing
  Step   INTEGER NOT NULL, -- the last optimizer step at that time
  Event  TEXT    NOT NULL, -- JSON, as `iota train --json` prints it
  PRIMARY KEY (Run, Number)
) WITHOUT ROWID;

-- What runs could go on from: the folders are on the disk of the control silo, or in its archive.
CREATE VIEW IF NOT EXISTS Checkpoints AS
SELECT Run, Number, Step, Event ->> 'checkpoint' AS Folder, Event ->> '$.point.validationLoss' AS ValidationLoss, Event ->> 'at' AS WrittenAt
FROM Events
WHERE Event ->> 'event' = 'checkpoint';
