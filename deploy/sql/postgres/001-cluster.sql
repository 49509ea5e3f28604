-- What Orleans 10 keeps in PostgreSQL: who is a member of a cluster, and the state of grains (ADO.NET providers, invariant Npgsql).
--
-- The providers read their statements from OrleansQuery. A membership statement gets of these parameters what it needs:
--   @DeploymentId                                                   the cluster's id
--   @Address, @Port, @Generation                                    the silo
--   @SiloName, @HostName, @ProxyPort, @Status, @StartTime, @IAmAliveTime, @SuspectTimes
--   @Version                                                        the version of the table that the silo believes in
-- and a storage statement of these:
--   @GrainIdHash, @GrainIdN0, @GrainIdN1, @GrainIdExtensionString   the grain's key, in parts
--   @GrainTypeHash, @GrainTypeString                                the state's name, not the grain's type
--   @ServiceId
--   @GrainStateVersion                                              the version that the grain believes in; null when it has none
--   @PayloadBinary                                                  when writing

CREATE TABLE OrleansQuery
(
  QueryKey  text NOT NULL PRIMARY KEY,
  QueryText text NOT NULL
);

CREATE TABLE ClusterVersions
(
  DeploymentId text        NOT NULL PRIMARY KEY,
  ModifiedAt   timestamptz NOT NULL DEFAULT now(),
  Version      integer     NOT NULL DEFAULT 0
);

CREATE TABLE ClusterMembers
(
  DeploymentId text        NOT NULL REFERENCES ClusterVersions,
  Address      text        NOT NULL,
  Port         integer     NOT NULL,
  Generation   integer     NOT NULL,
  SiloName     text        NOT NULL,
  HostName     text        NOT NULL,
  Status       integer     NOT NULL,
  ProxyPort    integer,
  SuspectTimes text,
  StartTime    timestamptz NOT NULL,
  IAmAliveTime timestamptz NOT NULL,
  PRIMARY KEY (DeploymentId, Address, Port, Generation)
);

CREATE TABLE GrainState
(
  ServiceId              text        NOT NULL,
  GrainTypeString        text        NOT NULL,
  GrainTypeHash          integer     NOT NULL,
  GrainIdHash            integer     NOT NULL,
  GrainIdN0              bigint      NOT NULL,
  GrainIdN1              bigint      NOT NULL,
  GrainIdExtensionString text,
  Version                integer     NOT NULL,
  ModifiedAt             timestamptz NOT NULL DEFAULT now(),
  PayloadBinary          bytea       -- null: the state was cleared, its version lives on
);

-- Nulls are distinct in a unique index, hence the expression.
CREATE UNIQUE INDEX GrainStateKey
  ON GrainState (GrainIdHash, GrainTypeHash, GrainIdN0, GrainIdN1, GrainTypeString, ServiceId, COALESCE(GrainIdExtensionString, ''));

-- Membership. A change is one statement: it takes the row of the version, which makes writers wait for each other, and touches a member only
-- if the version was the one that the silo believes in.
INSERT INTO OrleansQuery (QueryKey, QueryText)
VALUES
('InsertMembershipVersionKey', '
  WITH inserted AS
  (
    INSERT INTO ClusterVersions (DeploymentId) VALUES (@DeploymentId)
    ON CONFLICT DO NOTHING
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM inserted);
'),
('InsertMembershipKey', '
  WITH versioned AS
  (
    UPDATE ClusterVersions
    SET Version = Version + 1, ModifiedAt = now()
    WHERE DeploymentId = @DeploymentId AND Version = @Version
      AND NOT EXISTS (SELECT FROM ClusterMembers WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation)
    RETURNING DeploymentId
  ),
  inserted AS
  (
    INSERT INTO ClusterMembers (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
    SELECT DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime
    FROM versioned
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM inserted);
'),
('UpdateMembershipKey', '
  WITH versioned AS
  (
    UPDATE ClusterVersions
    SET Version = Version + 1, ModifiedAt = now()
    WHERE DeploymentId = @DeploymentId AND Version = @Version
      AND EXISTS (SELECT FROM ClusterMembers WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation)
    RETURNING DeploymentId
  ),
  updated AS
  (
    UPDATE ClusterMembers AS member
    SET Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime
    FROM versioned
    WHERE member.DeploymentId = versioned.DeploymentId AND member.Address = @Address AND member.Port = @Port AND member.Generation = @Generation
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM updated);
'),
('UpdateIAmAlivetimeKey', '
  UPDATE ClusterMembers
  SET IAmAliveTime = @IAmAliveTime
  WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation;
'),
-- The version comes even when there is no such member.
('MembershipReadRowKey', '
  SELECT versions.Version, member.Address, member.Port, member.Generation, member.SiloName, member.HostName, member.Status, member.ProxyPort,
    member.SuspectTimes, member.StartTime, member.IAmAliveTime
  FROM ClusterVersions AS versions
  LEFT JOIN ClusterMembers AS member
    ON member.DeploymentId = versions.DeploymentId AND member.Address = @Address AND member.Port = @Port AND member.Generation = @Generation
  WHERE versions.DeploymentId = @DeploymentId;
'),
('MembershipReadAllKey', '
  SELECT versions.Version, member.Address, member.Port, member.Generation, member.SiloName, member.HostName, member.Status, member.ProxyPort,
    member.SuspectTimes, member.StartTime, member.IAmAliveTime
  FROM ClusterVersions AS versions
  LEFT JOIN ClusterMembers AS member ON member.DeploymentId = versions.DeploymentId
  WHERE versions.DeploymentId = @DeploymentId;
'),
('DeleteMembershipTableEntriesKey', '
  DELETE FROM ClusterMembers WHERE DeploymentId = @DeploymentId;
  DELETE FROM ClusterVersions WHERE DeploymentId = @DeploymentId;
'),
-- 3: a silo that accepts clients; a proxy port of zero: it does not.
('GatewaysQueryKey', '
  SELECT Address, ProxyPort, Generation
  FROM ClusterMembers
  WHERE DeploymentId = @DeploymentId AND Status = @Status AND ProxyPort > 0;
'),
-- 6: a dead silo.
('CleanupDefunctSiloEntriesKey', '
  DELETE FROM ClusterMembers WHERE DeploymentId = @DeploymentId AND Status = 6 AND IAmAliveTime < @IAmAliveTime;
'),
('CleanupDefunctSiloEntryKey', '
  DELETE FROM ClusterMembers
  WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation
    AND Status = 6 AND StartTime = @StartTime AND IAmAliveTime = @IAmAliveTime AND SuspectTimes IS NOT DISTINCT FROM @SuspectTimes;
');

-- Grain state. A statement that returns no row tells the provider that another writer was first: InconsistentStateException.
INSERT INTO OrleansQuery (QueryKey, QueryText)
VALUES
('ReadFromStorageKey', '
  SELECT PayloadBinary, Version
  FROM GrainState
  WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
    AND GrainTypeString = @GrainTypeString AND ServiceId = @ServiceId AND GrainIdExtensionString IS NOT DISTINCT FROM @GrainIdExtensionString::text;
'),
-- At most one of the two does something: the first without a version, the second with one.
('WriteToStorageKey', '
  WITH inserted AS
  (
    INSERT INTO GrainState (ServiceId, GrainTypeString, GrainTypeHash, GrainIdHash, GrainIdN0, GrainIdN1, GrainIdExtensionString, Version, PayloadBinary)
    SELECT @ServiceId, @GrainTypeString, @GrainTypeHash, @GrainIdHash, @GrainIdN0, @GrainIdN1, @GrainIdExtensionString::text, 1, @PayloadBinary::bytea
    WHERE @GrainStateVersion::integer IS NULL
    ON CONFLICT DO NOTHING
    RETURNING Version
  ),
  updated AS
  (
    UPDATE GrainState
    SET PayloadBinary = @PayloadBinary::bytea, Version = Version + 1, ModifiedAt = now()
    WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
      AND GrainTypeString = @GrainTypeString AND ServiceId = @ServiceId AND GrainIdExtensionString IS NOT DISTINCT FROM @GrainIdExtensionString::text
      AND Version = @GrainStateVersion::integer
    RETURNING Version
  )
  SELECT Version AS NewGrainStateVersion FROM inserted
  UNION ALL
  SELECT Version FROM updated;
'),
('ClearStorageKey', '
  UPDATE GrainState
  SET PayloadBinary = NULL, Version = Version + 1, ModifiedAt = now()
  WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
    AND GrainTypeString = @GrainTypeString AND ServiceId = @ServiceId AND GrainIdExtensionString IS NOT DISTINCT FROM @GrainIdExtensionString::text
    AND Version = @GrainStateVersion::integer
  RETURNING Version AS NewGrainStateVersion;
'),
-- The provider forgets the returned version; it only has to differ from the one it gave.
('DeleteStorageKey', '
  DELETE FROM GrainState
  WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
    AND GrainTypeString = @GrainTypeString AND ServiceId = @ServiceId AND GrainIdExtensionString IS NOT DISTINCT FROM @GrainIdExtensionString::text
    AND Version = @GrainStateVersion::integer
  RETURNING Version + 1 AS NewGrainStateVersion;
');
