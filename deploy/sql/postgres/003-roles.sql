-- Two roles, without a password and without the right to log in: grant them to users of your own.
--   CREATE ROLE alice LOGIN PASSWORD '…' IN ROLE iota_control;
-- An owner who may not create roles needs them to be there.
-- iota_control is what control silos need. iota_miner is what a miner's silo needs: who is a member of the cluster, and nothing of what is
-- earned, and no grain's state.
DO $$
DECLARE
  wanted text;
BEGIN
  -- Roles belong to the server, not to the database: another database may have brought them, or bring them at this moment.
  FOREACH wanted IN ARRAY ARRAY['iota_control', 'iota_miner']
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
      END;
    END IF;
  END LOOP;
END
$$;

-- Nobody else has any right here, whatever the server's defaults say.
REVOKE ALL ON OrleansQuery, ClusterVersions, ClusterMembers, GrainState, Receipts, Segments, Penalties, Settlements, Payouts, IotaMigrations FROM PUBLIC, iota_miner;

GRANT SELECT ON OrleansQuery, IotaMigrations TO iota_control, iota_miner;
GRANT SELECT, INSERT, UPDATE, DELETE ON ClusterVersions, ClusterMembers TO iota_control, iota_miner;
GRANT SELECT, INSERT, UPDATE, DELETE ON GrainState TO iota_control;
-- What was counted, found and paid is written once.
GRANT SELECT, INSERT ON Receipts, Segments, Penalties, Settlements, Payouts TO iota_control;
