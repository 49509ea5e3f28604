using System.Reflection;

namespace IotaOrleans.Tests;

/// <summary>The program of this build, as users have it.</summary>
internal static class BuiltProgram
{
    /// <summary>Path of <c>iota.dll</c> in its own output folder.</summary>
    public static string Path { get; } = typeof(BuiltProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Program").Value!;
}
