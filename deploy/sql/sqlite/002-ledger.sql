-- The work ledger in SQLite: what was done, what was found wrong, and what was paid for it.
-- Running it again changes nothing.

CREATE TABLE IF NOT EXISTS Receipts
(
  Run    TEXT    NOT NULL,
  Epoch  INTEGER NOT NULL, -- the reward epoch in which it counts
  Kind   INTEGER NOT NULL, -- 0 forward, 1 backward, 2 step, 3 merged cell, 4 forfeited
  Number INTEGER NOT NULL, -- of the micro-batch, of the step, of the cell
  Stage  INTEGER NOT NULL,
  Miner  TEXT    NOT NULL,
  Tokens INTEGER NOT NULL,
  Input  BLOB,             -- first 16 bytes of SHA-256 of what came in; null for nothing
  Output BLOB,             -- the same of what went out
  Version      INTEGER NOT NULL, -- optimizer steps before it
  Microseconds INTEGER NOT NULL, -- as the miner says
  Segment BLOB             -- name of the segment in which the miner signed for it; null when the plan says who did it
);

-- Whoever asks, and however often: a pass has one receipt, and a step or a cell one for each miner.
CREATE UNIQUE INDEX IF NOT EXISTS ReceiptsOnce ON Receipts (Run, Kind, Number, Stage, CASE WHEN Kind < 2 THEN '' ELSE Miner END);

-- The rows of an epoch lie together, in the order in which they came.
CREATE INDEX IF NOT EXISTS ReceiptsOfEpoch ON Receipts (Run, Epoch);

-- What miners signed: anybody can see that a segment's hash was signed by its miner's key.
CREATE TABLE IF NOT EXISTS Segments
(
  Name      BLOB NOT NULL PRIMARY KEY, -- the first 16 bytes of the hash
  Hash      BLOB NOT NULL,             -- SHA-256 of the segment
  PublicKey BLOB NOT NULL,             -- ECDSA on P-256, SubjectPublicKeyInfo
  Signature BLOB NOT NULL              -- r and s
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS Penalties
(
  Run        TEXT    NOT NULL,
  Miner      TEXT    NOT NULL,
  FirstEpoch INTEGER NOT NULL,
  UntilEpoch INTEGER NOT NULL, -- paid again from here on
  Reason     TEXT    NOT NULL,
  PRIMARY KEY (Run, Miner, FirstEpoch, UntilEpoch, Reason)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS Settlements
(
  Run          TEXT    NOT NULL,
  Epoch        INTEGER NOT NULL,
  Emission     INTEGER NOT NULL,
  Burned       INTEGER NOT NULL,
  Burn         INTEGER NOT NULL, -- parts per million that nobody gets
  LargestShare INTEGER NOT NULL, -- parts per million that one miner gets at most
  Window       INTEGER NOT NULL, -- epochs whose work counts
  ClosedAt     TEXT    NOT NULL,
  PRIMARY KEY (Run, Epoch)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS Payouts
(
  Run            TEXT    NOT NULL,
  Epoch          INTEGER NOT NULL,
  Stage          INTEGER NOT NULL,
  Miner          TEXT    NOT NULL,
  BackwardPasses INTEGER NOT NULL,
  Tokens         INTEGER NOT NULL,
  Paid           INTEGER NOT NULL,
  Reason         TEXT    NOT NULL,
  PRIMARY KEY (Run, Epoch, Stage, Miner)
) WITHOUT ROWID;
