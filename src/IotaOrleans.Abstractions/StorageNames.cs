namespace IotaOrleans;

/// <summary>Names of the grain storage providers.</summary>
public static class StorageNames
{
    /// <summary>Storage of the control grains.</summary>
    public const string Control = "control";
}
