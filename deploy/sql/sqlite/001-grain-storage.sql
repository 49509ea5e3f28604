-- Grain state in SQLite, for the ADO.NET grain storage of Orleans 10 (invariant System.Data.SQLite).
-- Running it again changes nothing, except that changed queries replace older ones.
--
-- The provider reads its statements from OrleansQuery and gives each of them these parameters:
--   @GrainIdHash, @GrainIdN0, @GrainIdN1, @GrainIdExtensionString   the grain's key, in parts
--   @GrainTypeHash, @GrainTypeString                                the state's name, not the grain's type
--   @ServiceId
--   @GrainStateVersion                                              the version that the grain believes in; null when it has none
--   @PayloadBinary                                                  when writing
-- A statement that returns no row tells the provider that another writer was first: InconsistentStateException.

CREATE TABLE IF NOT EXISTS OrleansQuery
(
  QueryKey  TEXT NOT NULL PRIMARY KEY,
  QueryText TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS GrainState
(
  ServiceId              TEXT    NOT NULL,
  GrainTypeString        TEXT    NOT NULL,
  GrainTypeHash          INTEGER NOT NULL,
  GrainIdHash            INTEGER NOT NULL,
  GrainIdN0              INTEGER NOT NULL,
  GrainIdN1              INTEGER NOT NULL,
  GrainIdExtensionString TEXT    NULL,
  Version                INTEGER NOT NULL,
  ModifiedAt             TEXT    NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PayloadBinary          BLOB    NULL -- null: the state was cleared, its version lives on
);

-- Nulls are distinct in a unique index, hence the expression.
CREATE UNIQUE INDEX IF NOT EXISTS GrainStateKey
  ON GrainState (GrainIdHash, GrainTypeHash, GrainIdN0, GrainIdN1, GrainTypeString, ServiceId, IFNULL(GrainIdExtensionString, ''));

INSERT INTO OrleansQuery (QueryKey, QueryText)
VALUES
('ReadFromStorageKey', '
  SELECT PayloadBinary, Version
  FROM GrainState
  WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
    AND GrainTypeString = @GrainTypeString AND ServiceId = @ServiceId AND GrainIdExtensionString IS @GrainIdExtensionString;
'),
-- At most one of the two statements does something: the first without a version, the second with one.
('WriteToStorageKey', '
  INSERT INTO GrainState (ServiceId, GrainTypeString, GrainTypeHash, GrainIdHash, GrainIdN0, GrainIdN1, GrainIdExtensionString, Version, PayloadBinary)
  SELECT @ServiceId, @GrainTypeString, @GrainTypeHash, @GrainIdHash, @GrainIdN0, @GrainIdN1, @GrainIdExtensionString, 1, @PayloadBinary
  WHERE @GrainStateVersion IS NULL
  ON CONFLICT DO NOTHING
  RETURNING Version AS NewGrainStateVersion;

  UPDATE GrainState
  SET PayloadBinary = @PayloadBinary, Version = Version + 1, ModifiedAt = CURRENT_TIMESTAMP
  WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
    AND GrainTypeString = @GrainTypeString AND ServiceId = @ServiceId AND GrainIdExtensionString IS @GrainIdExtensionString
    AND Version = @GrainStateVersion
  RETURNING Version AS NewGrainStateVersion;
'),
('ClearStorageKey', '
  UPDATE GrainState
  SET PayloadBinary = NULL, Version = Version + 1, ModifiedAt = CURRENT_TIMESTAMP
  WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
    AND GrainTypeString = @GrainTypeString AND ServiceId = @ServiceId AND GrainIdExtensionString IS @GrainIdExtensionString
    AND Version = @GrainStateVersion
  RETURNING Version;
'),
-- The provider forgets the returned version; it only has to differ from the one it gave.
('DeleteStorageKey', '
  DELETE FROM GrainState
  WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
    AND GrainTypeString = @GrainTypeString AND ServiceId = @ServiceId AND GrainIdExtensionString IS @GrainIdExtensionString
    AND Version = @GrainStateVersion
  RETURNING Version + 1;
')
ON CONFLICT (QueryKey) DO UPDATE SET QueryText = excluded.QueryText WHERE QueryText <> excluded.QueryText;
