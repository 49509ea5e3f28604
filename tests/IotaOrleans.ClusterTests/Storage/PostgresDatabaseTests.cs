using IotaOrleans.Host.Storage;
using Npgsql;

namespace IotaOrleans.ClusterTests.Storage;

/// <summary>The schema in PostgreSQL: who makes it, and who may do what with it.</summary>
[Collection(PostgresGroup.Name)]
public sealed class PostgresDatabaseTests(PostgresServer server)
{
    private static readonly string[] Ours = ["receipts", "segments", "penalties", "settlements", "payouts", "grainstate", "events"];

    [Fact]
    public async Task Ten_that_migrate_at_once_make_one_schema()
    {
        var store = server.NewDatabase();

        var applied = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ =>
        {
            await using var database = new PostgresDatabase(store);
            return await database.MigrateAsync();
        }));

        applied.Where(names => names.Count > 0).Should().ContainSingle().Which.Should().Equal("001-cluster", "002-ledger", "003-roles", "004-events");
        await using var afterwards = new PostgresDatabase(store);
        (await afterwards.StatusAsync()).Should().OnlyContain(migration => migration.AppliedAt != null);
        (await afterwards.MigrateAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task An_owner_who_may_not_create_roles_migrates_when_they_are_there()
    {
        await using (var first = new PostgresDatabase(server.NewDatabase()))
        {
            await first.MigrateAsync();
        }

        var store = server.NewDatabase();
        PostgresServer.Scalar(store, $"DO $$ BEGIN CREATE ROLE tenant LOGIN; ALTER DATABASE {store.Database} OWNER TO tenant; END $$");
        await using var database = new PostgresDatabase(server.As(store, "tenant"));

        (await database.MigrateAsync()).Should().HaveCount(4);
    }

    [Fact]
    public async Task A_migration_that_fails_leaves_nothing_behind()
    {
        var store = server.NewDatabase();
        PostgresServer.Scalar(store, "CREATE TABLE Payouts (Something integer)");
        await using var database = new PostgresDatabase(store);

        await database.Awaiting(it => it.MigrateAsync()).Should().ThrowAsync<IotaException>().WithMessage($"{store} cannot be used: relation \"payouts\" already exists");

        PostgresServer.Scalar(store, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'").Should().Be(1L);
    }

    [Fact]
    public async Task A_database_of_another_program_is_named_and_left_alone()
    {
        var store = server.NewDatabase();
        await using var database = new PostgresDatabase(store);
        await database.Awaiting(it => it.RequireAsync()).Should().ThrowAsync<IotaException>().WithMessage($"{store} lacks 001-cluster; 'iota db migrate'*");
        await database.MigrateAsync();
        await database.RequireAsync();

        PostgresServer.Scalar(store, "INSERT INTO IotaMigrations (Name, Hash) VALUES ('999-later', '')");
        await database.Awaiting(it => it.MigrateAsync()).Should().ThrowAsync<IotaException>().WithMessage($"{store} has 999-later, which this program does not know*");
        PostgresServer.Scalar(store, "DELETE FROM IotaMigrations WHERE Name = '999-later'");
        PostgresServer.Scalar(store, "UPDATE IotaMigrations SET Hash = 'other' WHERE Name = '002-ledger'");
        await database.Awaiting(it => it.MigrateAsync()).Should().ThrowAsync<IotaException>().WithMessage($"{store}: 002-ledger is not the script that was applied*");
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_named_without_its_password()
    {
        StoreAddress.TryParse("postgres://owner:secret@127.0.0.1:1/iota", out var store).Should().BeTrue();
        await using var database = new PostgresDatabase(store!);

        var failure = (await database.Awaiting(it => it.MigrateAsync()).Should().ThrowAsync<IotaException>()).Which;

        failure.ExitCode.Should().Be(ExitCode.Environment);
        failure.Message.Should().StartWith("postgres://127.0.0.1:1/iota cannot be used: ").And.NotContain("secret");
    }

    [Fact]
    public async Task A_miner_may_read_and_write_who_is_a_member_and_nothing_else()
    {
        var store = server.NewDatabase();
        await using (var database = new PostgresDatabase(store))
        {
            await database.MigrateAsync();
        }

        PostgresServer.Scalar(store, "DO $$ BEGIN CREATE ROLE ada LOGIN IN ROLE iota_miner; CREATE ROLE boss LOGIN IN ROLE iota_control; END $$");
        var (miner, control) = (server.As(store, "ada"), server.As(store, "boss"));

        PostgresServer.Scalar(miner, "SELECT COUNT(*) FROM ClusterMembers").Should().Be(0L);
        PostgresServer.Scalar(miner, "INSERT INTO ClusterVersions (DeploymentId) VALUES ('mine')");
        // Whatever tables there are: the next migration's will be looked at, too.
        var tables = ((string)PostgresServer.Scalar(store, "SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'public'")!).Split(',');
        var forbidden = tables.Except(["orleansquery", "iotamigrations", "clusterversions", "clustermembers"]).ToArray();
        forbidden.Should().BeEquivalentTo(Ours);
        foreach (var table in forbidden)
        {
            foreach (var statement in new[] { $"SELECT COUNT(*) FROM {table}", $"DELETE FROM {table}", $"INSERT INTO {table} DEFAULT VALUES", $"TRUNCATE {table}", $"DROP TABLE {table}", $"CREATE INDEX ON {table} ((1))" })
            {
                Refused(miner, statement);
            }
        }

        Refused(miner, "UPDATE OrleansQuery SET QueryText = 'SELECT 1'");
        Refused(miner, "SELECT COUNT(*) FROM Checkpoints");
        Refused(miner, "SET ROLE iota_control");
        // What was counted and paid is written once, by anybody.
        PostgresServer.Scalar(control, "INSERT INTO Penalties VALUES ('run', 'eve', 0, 1, 'because')");
        Refused(control, "UPDATE Penalties SET Miner = 'ada'");
        Refused(control, "DELETE FROM Receipts");
        await using var restricted = new PostgresDatabase(control);
        (await restricted.MigrateAsync()).Should().BeEmpty("a silo needs no right to create tables once they are there");
    }

    [Theory]
    [InlineData("postgres://ada:p%40ss@db.example:6000/iota?sslmode=require", "db.example", 6000, "iota", "Password=p@ss", "SSL Mode=Require")]
    [InlineData("postgresql://ada@db.example/iota", "db.example", 5432, "iota", "Username=ada", "Database=iota")]
    public void An_address_is_a_URL_as_other_programs_have_it(string url, string host, int port, string database, string one, string other)
    {
        StoreAddress.TryParse(url, out var store).Should().BeTrue();
        (store!.Host, store.Port, store.Database).Should().Be((host, port, database));
        store.ConnectionString.Should().Contain(one).And.Contain(other);
        store.ToString().Should().Be($"postgres://{host}:{port}/{database}");
    }

    [Theory]
    [InlineData("db.example")]
    [InlineData("mysql://db.example/iota")]
    [InlineData("postgres://db.example")]
    [InlineData("postgres:///iota")]
    [InlineData("postgres://db.example/iota?colour=green")]
    public void What_is_no_address_is_refused(string url) => StoreAddress.TryParse(url, out _).Should().BeFalse();

    private static void Refused(StoreAddress store, string statement) =>
        FluentActions.Invoking(() => PostgresServer.Scalar(store, statement)).Should().Throw<PostgresException>($"'{statement}' is not for it").Which.SqlState.Should().Be(PostgresErrorCodes.InsufficientPrivilege);
}
