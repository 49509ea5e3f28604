namespace IotaOrleans.Training.Data.Sources;

/// <summary>Text that can be read from the start any number of times.</summary>
/// <param name="Description">What it is, for people.</param>
/// <param name="Files">Every file it is read from, in the order of reading.</param>
/// <param name="Documents">Reads the documents, each in pieces.</param>
internal sealed record TextSource(string Description, IReadOnlyList<string> Files, Func<IEnumerable<IEnumerable<string>>> Documents)
{
    /// <summary>What stands between two documents.</summary>
    public const string Separator = "\n\n";

    /// <summary>All documents as one text in pieces.</summary>
    public IEnumerable<string> Read()
    {
        var first = true;
        foreach (var document in Documents())
        {
            if (!first)
            {
                yield return Separator;
            }

            first = false;
            foreach (var piece in document)
            {
                yield return piece;
            }
        }
    }
}
