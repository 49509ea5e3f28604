namespace IotaOrleans;

/// <summary>Ways to cheat that can be rehearsed on a real run.</summary>
[GenerateSerializer, Alias("IotaOrleans.AdversaryKind")]
public enum AdversaryKind
{
    /// <summary>Sends zeros instead of activations and gradients.</summary>
    FreeRider,

    /// <summary>Sends back what came in.</summary>
    Echo,

    /// <summary>Sends the same old activation and gradient again and again.</summary>
    StaleOutput,

    /// <summary>Adds noise to the gradients that it passes on.</summary>
    NoisyGradient,

    /// <summary>Passes gradients on ten times as large.</summary>
    ScaledGradient,

    /// <summary>Trains its own weights to make the loss worse.</summary>
    SignFlip,

    /// <summary>Holds the last stage and reports better losses than it had.</summary>
    LyingTail,

    /// <summary>Reduces the cells of merges wrongly.</summary>
    CorruptReducer,

    /// <summary>Sends zeros, but only for one micro-batch in ten.</summary>
    RareCheat,

    /// <summary>Works honestly until it was checked, and then cheats, as nobody is likely to look again soon.</summary>
    Unobserved,

    /// <summary>Learns nothing itself: takes over what the others have merged and hands it in as what it learnt.</summary>
    Copycat,

    /// <summary>Works correctly, but hardly ever: one pass in three seconds.</summary>
    SlowWalker,

    /// <summary>Asks to be paid for more than it did: micro-batches said to be done twice, those of others, passes that never ran.</summary>
    FalseReceipts,

    /// <summary>Miners of several stages that compute nothing for micro-batches that pass through two of them, and vouch for each other.</summary>
    ColludingPair,

    /// <summary>Several names of one owner, that all send zeros and hand in the records of one of them.</summary>
    Sybil,

    /// <summary>Sends what is no number, as broken hardware does.</summary>
    NoNumber,
}
