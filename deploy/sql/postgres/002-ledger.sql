-- The work ledger in PostgreSQL: what was done, what was found wrong, and what was paid for it.

CREATE TABLE Receipts
(
  Run          text    NOT NULL,
  Epoch        integer NOT NULL, -- the reward epoch in which it counts
  Kind         integer NOT NULL, -- 0 forward, 1 backward, 2 step, 3 merged cell, 4 forfeited
  Number       bigint  NOT NULL, -- of the micro-batch, of the step, of the cell
  Stage        integer NOT NULL,
  Miner        text    NOT NULL,
  Tokens       bigint  NOT NULL,
  Input        bytea,            -- first 16 bytes of SHA-256 of what came in; null for nothing
  Output       bytea,            -- the same of what went out
  Version      bigint  NOT NULL, -- optimizer steps before it
  Microseconds integer NOT NULL, -- as the miner says
  Segment      bytea             -- name of the segment in which the miner signed for it; null when the plan says who did it
);

-- Whoever asks, and however often: a pass has one receipt, and a step or a cell one for each miner.
CREATE UNIQUE INDEX ReceiptsOnce ON Receipts (Run, Kind, Number, Stage, (CASE WHEN Kind < 2 THEN '' ELSE Miner END));

CREATE INDEX ReceiptsOfEpoch ON Receipts (Run, Epoch);

-- What miners signed: anybody can see that a segment's hash was signed by its miner's key.
CREATE TABLE Segments
(
  Name      bytea NOT NULL PRIMARY KEY, -- the first 16 bytes of the hash
  Hash      bytea NOT NULL,             -- SHA-256 of the segment
  PublicKey bytea NOT NULL,             -- ECDSA on P-256, SubjectPublicKeyInfo
  Signature bytea NOT NULL              -- r and s
);

CREATE TABLE Penalties
(
  Run        text    NOT NULL,
  Miner      text    NOT NULL,
  FirstEpoch integer NOT NULL,
  UntilEpoch integer NOT NULL, -- paid again from here on
  Reason     text    NOT NULL,
  PRIMARY KEY (Run, Miner, FirstEpoch, UntilEpoch, Reason)
);

CREATE TABLE Settlements
(
  Run          text    NOT NULL,
  Epoch        integer NOT NULL,
  Emission     bigint  NOT NULL,
  Burned       bigint  NOT NULL,
  Burn         integer NOT NULL, -- parts per million that nobody gets
  LargestShare integer NOT NULL, -- parts per million that one miner gets at most
  EpochsCounted integer NOT NULL, -- epochs whose work counts
  ClosedAt     text    NOT NULL, -- ISO 8601, with the offset of whoever closed it
  PRIMARY KEY (Run, Epoch)
);

CREATE TABLE Payouts
(
  Run            text    NOT NULL,
  Epoch          integer NOT NULL,
  Stage          integer NOT NULL,
  Miner          text    NOT NULL,
  BackwardPasses bigint  NOT NULL,
  Tokens         bigint  NOT NULL,
  Paid           bigint  NOT NULL,
  Reason         text    NOT NULL,
  PRIMARY KEY (Run, Epoch, Stage, Miner)
);
