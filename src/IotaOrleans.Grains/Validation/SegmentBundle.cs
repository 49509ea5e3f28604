using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Grains.Validation;

/// <summary>All that a check was made from, as a file: whoever has it can make the check again, without the cluster.</summary>
/// <param name="Assignment">The run, and the shard's place in it.</param>
/// <param name="Segment">What the miner handed in, signed.</param>
/// <param name="Verdict">What came of the check.</param>
/// <param name="Hardware">The kind of processor, and of program, that it was made with.</param>
/// <param name="Evidence">The bytes behind the segment's hashes.</param>
/// <param name="Tokens">Tokens and targets of a micro-batch.</param>
public sealed record SegmentBundle(
    ShardAssignment Assignment, SegmentRecord Segment, AuditVerdict Verdict, string Hardware,
    IReadOnlyDictionary<UInt128, ReadOnlyMemory<byte>> Evidence, Func<long, (long[] Tokens, long[] Targets)> Tokens)
{
    private const string HeaderName = "bundle.json";
    private const string EvidenceFolder = "evidence/";
    private const string TokensFolder = "tokens/";

    // A stage of the largest models is larger than a check can keep in memory anyway.
    private const long MostBytes = 1L << 32;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        WriteIndented = true,
    };

    /// <summary>Where a run keeps it: <c>checks</c> beside its checkpoints. Each session counts segments from the first, so the name ends with the session's.</summary>
    public string FileIn(TrainingRunSpecification specification) => Path.Combine(
        Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(specification.CheckpointDirectory)) ?? ".", "checks",
        string.Create(CultureInfo.InvariantCulture, $"{Segment.Shard.Miner}-stage-{Segment.Shard.Stage}-segment-{Segment.Index}-{Assignment.Session:N}.zip"));

    /// <summary>Writes the file, whole or not at all.</summary>
    public void Write(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var temporary = $"{file}.tmp";
        using (var archive = ZipFile.Open(temporary, ZipArchiveMode.Create))
        {
            // Where the run keeps its files says nothing to others.
            var specification = Assignment.Specification with { DataDirectory = "", CheckpointDirectory = "" };
            Add(archive, HeaderName, JsonSerializer.SerializeToUtf8Bytes(new Header(EvidenceHash.Name, specification, Segment, Verdict, Hardware), Json));
            foreach (var (hash, bytes) in Evidence)
            {
                Add(archive, $"{EvidenceFolder}{hash:x32}", bytes.Span);
            }

            foreach (var number in Numbers())
            {
                var (tokens, targets) = Tokens(number);
                Add(archive, TokensFolder + number.ToString(CultureInfo.InvariantCulture), MemoryMarshal.AsBytes<long>([.. tokens, .. targets]));
            }
        }

        File.Move(temporary, file, overwrite: true);
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="IotaException">It is not there, or not such a file.</exception>
    public static SegmentBundle Read(string file)
    {
        try
        {
            using var archive = ZipFile.OpenRead(file);
            if (archive.Entries.Sum(entry => entry.Length) > MostBytes)
            {
                throw new InvalidDataException("it is larger than any check");
            }

            var header = JsonSerializer.Deserialize<Header>(Bytes(archive.GetEntry(HeaderName) ?? throw new InvalidDataException($"it has no {HeaderName}")), Json)
                ?? throw new InvalidDataException($"{HeaderName} is empty");
            if (header.Hash != EvidenceHash.Name)
            {
                throw new InvalidDataException($"it names bytes by {header.Hash ?? "another hash"}, not by {EvidenceHash.Name} as this version does");
            }

            var stage = header.Segment.Shard.Stage;
            if (stage < 0 || stage >= header.Specification.Stages.Length)
            {
                throw new InvalidDataException($"the run has no stage {stage}");
            }

            var evidence = Entries(archive, EvidenceFolder).ToDictionary(
                entry => UInt128.Parse(entry.Name, NumberStyles.HexNumber, CultureInfo.InvariantCulture), entry => (ReadOnlyMemory<byte>)Bytes(entry));
            var tokens = Entries(archive, TokensFolder).ToDictionary(entry => long.Parse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture), entry => MemoryMarshal.Cast<byte, long>(Bytes(entry)).ToArray());
            var assignment = new ShardAssignment { Specification = header.Specification, Stage = stage, Session = Guid.Empty };
            return new SegmentBundle(assignment, header.Segment, header.Verdict, header.Hardware, evidence, number =>
                tokens.TryGetValue(number, out var both) ? (both[..(both.Length / 2)], both[(both.Length / 2)..]) : ([], []));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException or JsonException or FormatException or OverflowException or ArgumentException or NotSupportedException)
        {
            throw new IotaException(ExitCode.Data, $"'{file}' is not the bundle of a check: {failure.Message.ReplaceLineEndings(" ")}", failure);
        }
    }

    /// <summary>Makes the check again: the seal, the hashes of all bytes, and every pass.</summary>
    public AuditVerdict Verify()
    {
        if (!SegmentHash.IsSealed(Segment))
        {
            return Wrong("is not signed by the key that it names");
        }

        foreach (var hash in SegmentEvidence.Of(Segment))
        {
            if (!Evidence.TryGetValue(hash, out var bytes) || EvidenceHash.Of(bytes.Span) != hash)
            {
                return Wrong("comes with other bytes than those that were signed for") with { Outcome = AuditOutcome.Declined };
            }
        }

        return new SegmentReplay(Assignment, Segment, Evidence, Tokens).Judge();
    }

    private static IEnumerable<ZipArchiveEntry> Entries(ZipArchive archive, string folder) => archive.Entries.Where(entry => entry.FullName.StartsWith(folder, StringComparison.Ordinal));

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        // What the archive says of a length is what is read at most.
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static void Add(ZipArchive archive, string name, ReadOnlySpan<byte> bytes)
    {
        using var stream = archive.CreateEntry(name, CompressionLevel.Fastest).Open();
        stream.Write(bytes);
    }

    private IEnumerable<long> Numbers() => Segment.LiveAtStart.Select(claim => claim.Number)
        .Concat(Segment.Ops.Where(op => op.Kind == TraceOpKind.Forward).Select(op => op.Number))
        .Distinct();

    private AuditVerdict Wrong(string finding) => new(Segment.Shard, Segment.Index, AuditOutcome.Wrong, finding, 0, TimeSpan.Zero);

    private sealed record Header(string? Hash, TrainingRunSpecification Specification, SegmentRecord Segment, AuditVerdict Verdict, string Hardware);
}
