using IotaOrleans.Host.Storage;
using IotaOrleans.Tests;
using Microsoft.Data.Sqlite;

namespace IotaOrleans.ClusterTests.Storage;

public sealed class SqliteDataSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// The driver's pool lends one handle to two who open at the same moment, once in some hundred thousand times, and each of them can roll
    /// back what the other wrote. What is closed when it is given back cannot be lent.
    /// </summary>
    [Fact]
    public void A_handle_belongs_to_one_owner_and_is_closed_with_it()
    {
        var source = new SqliteDataSource(_folder.File("state.db"));
        using var first = (SqliteConnection)source.OpenConnection();
        using var second = (SqliteConnection)source.OpenConnection();
        var (handle, other) = (first.Handle!, second.Handle!);

        first.Dispose();

        handle.IsClosed.Should().BeTrue();
        other.IsClosed.Should().BeFalse();
    }
}
