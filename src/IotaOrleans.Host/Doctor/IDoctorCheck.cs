namespace IotaOrleans.Host.Doctor;

/// <summary>Looks at one thing that training needs.</summary>
internal interface IDoctorCheck
{
    /// <summary>What is looked at, in one or two words.</summary>
    string Name { get; }

    Task<Finding> RunAsync(CancellationToken cancellationToken);
}
