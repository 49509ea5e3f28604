namespace IotaOrleans.Tensors;

/// <summary>An encoded update that cannot be accepted; nothing of it must be used.</summary>
[GenerateSerializer, Alias("IotaOrleans.UpdateFormatException")]
public sealed class UpdateFormatException : Exception
{
    /// <summary>Creates the exception.</summary>
    public UpdateFormatException(UpdateFormat format, string message)
        : base(message)
    {
        Format = format;
    }

    /// <summary>The format that the bytes were read as.</summary>
    [Id(0)]
    public UpdateFormat Format { get; private set; }
}
