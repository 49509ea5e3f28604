using IotaOrleans.Training.Data;

namespace IotaOrleans.Host.CommandLine.Models;

/// <summary>Continues texts with a trained model.</summary>
internal interface ITextGenerator
{
    /// <summary>Writes the continuation piece by piece, the prompt not included.</summary>
    void Generate(SampleRequest request, Action<string> write, CancellationToken cancellationToken);
}

/// <summary>Judges a trained model on text.</summary>
internal interface IModelEvaluator
{
    ModelEvaluation Evaluate(EvaluationRequest request, IProgress<string> progress, CancellationToken cancellationToken);
}

/// <summary>Proves that a model computes the same whole and cut into stages.</summary>
internal interface IModelChecker
{
    ModelCheck Check(string model, int stages, CancellationToken cancellationToken);
}

/// <summary>What to write.</summary>
/// <param name="Model">Folder of the model.</param>
/// <param name="Prompt">Beginning of the text.</param>
/// <param name="Tokens">Length of the continuation.</param>
/// <param name="Temperature">Divides the logits; zero takes the likeliest token.</param>
/// <param name="TopK">How many of the likeliest tokens to choose from; zero means all.</param>
/// <param name="Seed">Determines the choices.</param>
internal sealed record SampleRequest(string Model, string Prompt, int Tokens, double Temperature, int TopK, ulong Seed);

/// <summary>What to judge on.</summary>
/// <param name="Model">Folder of the model.</param>
/// <param name="Data">The text.</param>
/// <param name="DataDirectory">Folder that receives the prepared tokens.</param>
/// <param name="Sequences">How many sequences of the validation split.</param>
internal sealed record EvaluationRequest(string Model, DataSourceOptions Data, string DataDirectory, int Sequences);

/// <summary>The judgement.</summary>
/// <param name="Model">Folder of the model.</param>
/// <param name="ValidationLoss">Nats per token.</param>
/// <param name="Sequences">Sequences judged.</param>
/// <param name="Tokens">Tokens judged.</param>
internal sealed record ModelEvaluation(string Model, double ValidationLoss, int Sequences, long Tokens);

/// <summary>The comparison.</summary>
/// <param name="Model">Folder of the model.</param>
/// <param name="Stages">How often it was cut, plus one.</param>
/// <param name="Parameters">Parameters read.</param>
/// <param name="LargestDifference">Between the logits of the whole and of the stages.</param>
/// <param name="Passed">Whether the difference is within rounding.</param>
internal sealed record ModelCheck(string Model, int Stages, long Parameters, double LargestDifference, bool Passed);
