namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>Names for runs that nobody named: easy to say, hard to confuse.</summary>
internal static class RunNames
{
    private static readonly string[] Adjectives =
    [
        "amber", "brisk", "calm", "candid", "clever", "crisp", "daring", "eager", "early", "fond", "gentle", "golden", "hardy", "honest",
        "jolly", "keen", "kind", "lively", "lucid", "mellow", "merry", "nimble", "noble", "patient", "plucky", "quick", "quiet", "ready",
        "silver", "steady", "sunny", "swift", "tidy", "vivid", "warm", "wise",
    ];

    private static readonly string[] Nouns =
    [
        "badger", "beaver", "bison", "crane", "dolphin", "eagle", "falcon", "finch", "fox", "gecko", "hare", "heron", "ibis", "jackdaw",
        "kestrel", "lark", "lynx", "marten", "mole", "newt", "orca", "otter", "owl", "panda", "puffin", "raven", "robin", "seal", "stoat",
        "swan", "tapir", "tern", "toad", "walrus", "wren", "yak",
    ];

    /// <summary>A name that is not taken.</summary>
    public static string Fresh(Random random, Func<string, bool> isTaken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var name = $"{Adjectives[random.Next(Adjectives.Length)]}-{Nouns[random.Next(Nouns.Length)]}";
            var numbered = attempt <= 10 ? name : $"{name}-{attempt}";
            if (!isTaken(numbered))
            {
                return numbered;
            }
        }
    }
}
