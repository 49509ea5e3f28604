namespace IotaOrleans.Tensors;

/// <summary>The way to a silo's listener could not be opened, or was lost with frames under way. They may or may not have arrived.</summary>
public sealed class FrameConnectionException(string message, Exception? innerException = null) : IOException(message, innerException);
