namespace IotaOrleans.Host.CommandLine.Models;

/// <summary>The one place where commands get what computes.</summary>
internal static class ModelServiceProvider
{
    public static ITextGenerator TextGenerator() => throw Missing("text generation");

    public static IModelEvaluator Evaluator() => throw Missing("evaluation");

    public static IModelChecker Checker() => throw Missing("the model check");

    private static IotaException Missing(string what) => new(ExitCode.Failed, $"{what} is not available in this build");
}
