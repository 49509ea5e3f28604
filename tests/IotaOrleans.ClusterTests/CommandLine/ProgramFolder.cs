using System.Text;

namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>A folder to run the program in, with a text to learn from.</summary>
public sealed class ProgramFolder : IDisposable
{
    private static readonly string[] Words = ["stage", "miner", "gradient", "learns", "swarm", "the", "of", "a", "token", "sends", "quietly", "block"];

    public string Path { get; } = Directory.CreateTempSubdirectory("iota-program-").FullName;

    public ProgramFolder()
    {
        var random = new Random(7);
        var text = new StringBuilder();
        while (text.Length < 30_000)
        {
            text.Append(Words[random.Next(Words.Length)]).Append(random.Next(9) == 0 ? ".\n" : " ");
        }

        File.WriteAllText(In("text.txt"), text.ToString());
    }

    public string In(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>A small run that ends within seconds; what is given besides counts for more.</summary>
    public static string[] Train(string name, params string[] more)
    {
        string[] usual =
        [
            "--data", "text.txt", "--steps", "12", "--batch-size", "4", "--micro-batches", "2", "--context", "32", "--epoch-steps", "5",
            "--evaluation-interval", "6", "--checkpoint-interval", "6", "--sample-tokens", "8",
        ];
        return ["train", "--run", name, "--json", .. usual.Chunk(2).Where(pair => !more.Contains(pair[0])).SelectMany(pair => pair), .. more];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
