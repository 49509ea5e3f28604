namespace IotaOrleans.Host.Doctor;

/// <summary>What a check found.</summary>
/// <param name="Check">What was looked at.</param>
/// <param name="Passed">Whether it is as it should be.</param>
/// <param name="Detail">What was found.</param>
/// <param name="Fix">What to do about it, or null when nothing needs to be done.</param>
internal sealed record Finding(string Check, bool Passed, string Detail, string? Fix = null)
{
    public static Finding Good(string check, string detail) => new(check, true, detail);

    public static Finding Bad(string check, string detail, string fix) => new(check, false, detail, fix);
}
