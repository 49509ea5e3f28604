using IotaOrleans.Training.Data;

namespace IotaOrleans.Host.Doctor;

/// <summary>Is there something to learn from when nobody says what?</summary>
internal sealed class DataCheck : IDoctorCheck
{
    public string Name => "data";

    public Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult(Finding.Good(Name, TokenDataSet.Locate(new DataSourceOptions())));
        }
        catch (IotaException missing)
        {
            return Task.FromResult(Finding.Bad(Name, missing.Message, "give a text of yours: iota train --data FILE"));
        }
    }
}
