using System.Buffers.Binary;
using System.Text;

namespace IotaOrleans.Tests.Native;

/// <summary>Builds the smallest 64-bit ELF image with version requirements: names, dynamic symbols, their versions, needs.</summary>
internal sealed class ElfImage
{
    private const ushort Weak = 2;

    private readonly List<byte> _names = [0];
    private readonly List<(string Symbol, ushort Version)> _symbols = [];
    private readonly List<(string Library, (string Name, ushort Index, ushort Flags)[] Versions)> _needs = [];

    public static bool IsWeak(byte[] image, string version) => (Flags(image)[version] & Weak) != 0;

    /// <summary>The flags of each required version, read independently of the code under test.</summary>
    public static Dictionary<string, ushort> Flags(byte[] image)
    {
        var flags = new Dictionary<string, ushort>();
        int sections = (int)BinaryPrimitives.ReadInt64LittleEndian(image.AsSpan(0x28));
        int names = (int)BinaryPrimitives.ReadInt64LittleEndian(image.AsSpan(sections + (1 * 64) + 24));
        int need = (int)BinaryPrimitives.ReadInt64LittleEndian(image.AsSpan(sections + (4 * 64) + 24));
        for (int next = -1; next != 0; need += next)
        {
            int version = need + BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(need + 8));
            for (int i = BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(need + 2)); i > 0; i--)
            {
                int name = names + BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(version + 8));
                flags.Add(Encoding.ASCII.GetString(image, name, image.AsSpan(name).IndexOf((byte)0)), BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(version + 4)));
                version += BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(version + 12));
            }

            next = BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(need + 12));
        }

        return flags;
    }

    public ElfImage Symbol(string name, ushort version)
    {
        _symbols.Add((name, version));
        return this;
    }

    public ElfImage Need(string library, params (string Name, ushort Index, ushort Flags)[] versions)
    {
        _needs.Add((library, versions));
        return this;
    }

    public byte[] Build()
    {
        byte[] symbols = [.. new byte[24], .. _symbols.SelectMany(symbol => Bytes(writer =>
        {
            writer.Write(Name(symbol.Symbol));
            writer.Write(new byte[20]);
        }))];
        byte[] versions = [.. new byte[2], .. _symbols.SelectMany(symbol => BitConverter.GetBytes(symbol.Version))];
        byte[] needs = [.. _needs.SelectMany((need, index) => NeedBytes(need.Library, need.Versions, last: index == _needs.Count - 1))];
        byte[] names = [.. _names];

        var sections = new List<(uint Type, byte[] Content, uint Link, uint Info)>
        {
            (0, [], 0, 0), (3, names, 0, 0), (11, symbols, 1, 1), (0x6fffffff, versions, 2, 0), (0x6ffffffe, needs, 1, (uint)_needs.Count),
        };
        return Bytes(writer =>
        {
            writer.Write([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, .. new byte[9]]);
            writer.Write([3, 0, 62, 0, 1, 0, 0, 0, .. new byte[16]]);
            writer.Write(64L + sections.Sum(section => section.Content.Length));
            writer.Write([0, 0, 0, 0, 64, 0, 56, 0, 0, 0, 64, 0, (byte)sections.Count, 0, 0, 0]);
            sections.ForEach(section => writer.Write(section.Content));
            long offset = 64;
            foreach ((uint type, byte[] content, uint link, uint info) in sections)
            {
                writer.Write(0u);
                writer.Write(type);
                writer.Write([.. new byte[16]]);
                writer.Write(offset);
                writer.Write((long)content.Length);
                writer.Write(link);
                writer.Write(info);
                writer.Write(1L);
                writer.Write(type switch { 11 => 24L, 0x6fffffff => 2L, _ => 0L });
                offset += content.Length;
            }
        });
    }

    private static byte[] Bytes(Action<BinaryWriter> write)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        write(writer);
        writer.Flush();
        return stream.ToArray();
    }

    private byte[] NeedBytes(string library, (string Name, ushort Index, ushort Flags)[] versions, bool last) => Bytes(writer =>
    {
        writer.Write((ushort)1);
        writer.Write((ushort)versions.Length);
        writer.Write(Name(library));
        writer.Write(16);
        writer.Write(last ? 0 : 16 + (versions.Length * 16));
        foreach ((string name, ushort index, ushort flags) in versions)
        {
            writer.Write(0);
            writer.Write(flags);
            writer.Write(index);
            writer.Write(Name(name));
            writer.Write(name == versions[^1].Name ? 0 : 16);
        }
    });

    private int Name(string name)
    {
        int offset = _names.Count;
        _names.AddRange(Encoding.ASCII.GetBytes(name + '\0'));
        return offset;
    }
}
