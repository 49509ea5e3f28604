// Lets libLibTorchSharp.so load where libstdc++ is older than the one it was linked against (Debian 12, Ubuntu 22.04).
//
// The library asks for the symbol version GLIBCXX_3.4.32. The only symbol it takes from that version is
// _ZSt21ios_base_library_initv, an empty marker that <iostream> leaves in every object file and that nobody calls.
// Marking the requirement as weak (VER_FLG_WEAK) makes the loader accept an older libstdc++; newer ones are unaffected.
//
// This file is compiled twice: by MSBuild as an inline task (see Torch.targets) and, with STANDALONE defined, by its test.

#nullable disable

using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace IotaOrleans.Build
{
    /// <summary>Edits the version requirements (<c>.gnu.version_r</c>) of a 64-bit little-endian ELF shared library.</summary>
    public static class WeakVersionNeed
    {
        /// <summary>The symbol version that older C++ runtimes lack.</summary>
        public const string Version = "GLIBCXX_3.4.32";

        /// <summary>The only symbol that may carry the version for the edit to be harmless.</summary>
        public const string Marker = "_ZSt21ios_base_library_initv";

        private const byte WeakFlag = 2;
        private const uint SectionDynamicSymbols = 11;
        private const uint SectionVersionNeeds = 0x6ffffffe;
        private const uint SectionVersionSymbols = 0x6fffffff;

        /// <summary>Marks the requirement for <see cref="Version"/> as weak.</summary>
        /// <returns>True when the image was changed; false when it asks for no such version or is already weak.</returns>
        /// <exception cref="InvalidDataException">The image is not an ELF library, is damaged, or really uses the version; it is unchanged.</exception>
        public static bool Apply(byte[] image)
        {
            if (image.Length < 64 || image[0] != 0x7f || image[1] != 'E' || image[2] != 'L' || image[3] != 'F' || image[4] != 2 || image[5] != 1)
            {
                throw new InvalidDataException("not a 64-bit little-endian ELF file");
            }

            try
            {
                List<int> flags = FindStrongNeeds(image, ReadSections(image));
                foreach (int position in flags)
                {
                    image[position] |= WeakFlag;
                }

                return flags.Count > 0;
            }
            catch (Exception broken) when (broken is ArgumentException || broken is IndexOutOfRangeException || broken is OverflowException)
            {
                throw new InvalidDataException("the ELF section tables are damaged", broken);
            }
        }

        /// <summary>Applies the edit to a file by writing a new one in its place, so that a hard link to a package cache is broken, not followed.</summary>
        public static bool ApplyToFile(string path)
        {
            byte[] image = File.ReadAllBytes(path);
            if (!Apply(image))
            {
                return false;
            }

            string temporary = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
            File.WriteAllBytes(temporary, image);
            File.Delete(path);
            File.Move(temporary, path);
            return true;
        }

        /// <summary>Positions of the flags that have to become weak.</summary>
        private static List<int> FindStrongNeeds(byte[] image, List<Section> sections)
        {
            var positions = new List<int>();
            Section needs = sections.Find(section => section.Type == SectionVersionNeeds);
            if (needs == null)
            {
                return positions;
            }

            Section names = sections[checked((int)needs.Link)];
            long need = needs.Offset;
            while (true)
            {
                if (BitConverter.ToUInt16(image, checked((int)need)) != 1)
                {
                    throw new InvalidDataException("the ELF file's version requirements are damaged or of an unknown format");
                }

                int count = BitConverter.ToUInt16(image, checked((int)need + 2));
                long auxiliary = need + BitConverter.ToUInt32(image, checked((int)need + 8));
                for (int i = 0; i < count; i++)
                {
                    int start = checked((int)auxiliary);
                    ushort flags = BitConverter.ToUInt16(image, checked(start + 4));
                    ushort index = BitConverter.ToUInt16(image, checked(start + 6));
                    string name = ReadName(image, names, BitConverter.ToUInt32(image, checked(start + 8)));
                    if (name == Version && (flags & WeakFlag) == 0)
                    {
                        RequireOnlyMarker(image, sections, index);
                        positions.Add(start + 4);
                    }

                    auxiliary += BitConverter.ToUInt32(image, checked(start + 12));
                }

                uint next = BitConverter.ToUInt32(image, checked((int)need + 12));
                if (next == 0)
                {
                    return positions;
                }

                need += next;
            }
        }

        private static void RequireOnlyMarker(byte[] image, List<Section> sections, ushort versionIndex)
        {
            Section symbols = sections.Find(section => section.Type == SectionDynamicSymbols);
            Section versions = sections.Find(section => section.Type == SectionVersionSymbols);
            if (symbols == null || versions == null)
            {
                throw new InvalidDataException("the ELF file has no versioned dynamic symbols");
            }

            Section names = sections[checked((int)symbols.Link)];
            for (long i = 0; i < symbols.Size / 24; i++)
            {
                if ((BitConverter.ToUInt16(image, checked((int)(versions.Offset + (i * 2)))) & 0x7fff) != versionIndex)
                {
                    continue;
                }

                string symbol = ReadName(image, names, BitConverter.ToUInt32(image, checked((int)(symbols.Offset + (i * 24)))));
                if (symbol != Marker)
                {
                    throw new InvalidDataException("it really uses " + symbol + " of " + Version + ", so a newer libstdc++ (GCC 13) is required");
                }
            }
        }

        private static List<Section> ReadSections(byte[] image)
        {
            long table = BitConverter.ToInt64(image, 0x28);
            int size = BitConverter.ToUInt16(image, 0x3a);
            int count = BitConverter.ToUInt16(image, 0x3c);
            if (count == 0)
            {
                throw new InvalidDataException("the ELF file has no section table");
            }

            var sections = new List<Section>();
            for (int i = 0; i < count; i++)
            {
                int header = checked((int)(table + ((long)i * size)));
                sections.Add(new Section
                {
                    Type = BitConverter.ToUInt32(image, header + 4),
                    Offset = BitConverter.ToInt64(image, header + 24),
                    Size = BitConverter.ToInt64(image, header + 32),
                    Link = BitConverter.ToUInt32(image, header + 40),
                });
            }

            return sections;
        }

        private static string ReadName(byte[] image, Section names, uint offset)
        {
            int start = checked((int)(names.Offset + offset));
            int end = Array.IndexOf(image, (byte)0, start);
            return Encoding.ASCII.GetString(image, start, end - start);
        }

        private sealed class Section
        {
            public uint Type;
            public long Offset;
            public long Size;
            public uint Link;
        }
    }

#if !STANDALONE
    /// <summary>The build step: see <see cref="WeakVersionNeed"/>.</summary>
    public sealed class WeakenVersionNeed : Microsoft.Build.Utilities.Task
    {
        /// <summary>The library in the output folder.</summary>
        [Microsoft.Build.Framework.Required]
        public string Library { get; set; }

        /// <inheritdoc />
        public override bool Execute()
        {
            try
            {
                if (WeakVersionNeed.ApplyToFile(Library))
                {
                    Log.LogMessage(Microsoft.Build.Framework.MessageImportance.Low, "Made the need for " + WeakVersionNeed.Version + " weak in " + Library);
                }

                return true;
            }
            catch (Exception failure) when (failure is IOException || failure is InvalidDataException || failure is UnauthorizedAccessException)
            {
                Log.LogError("Could not prepare " + Library + " for this system's C++ runtime: " + failure.Message
                    + ". Use a system with libstdc++ of GCC 13 or newer (Debian 13, Ubuntu 24.04), or make the output folder writable and build again.");
                return false;
            }
        }
    }
#endif
}
