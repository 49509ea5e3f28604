using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.S3.Transfer;
using IotaOrleans.Host.Runs;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Host.Archive;

/// <summary>
/// Runs in an S3-compatible store: what a run was started with, its data, and its checkpoints, each file an object with the name that it has
/// in the run's folder. A checkpoint's sums come last, and <c>latest</c> after them: what lacks them is not complete.
/// </summary>
internal sealed class S3Archive : IDisposable
{
    private const string CheckpointsPart = "checkpoints/";
    private const string DataPart = "data/";
    private const long LargestInOnePart = 1L << 30;

    private readonly ArchiveAddress _address;
    private readonly AmazonS3Client _client;

    public S3Archive(ArchiveAddress address)
    {
        _address = address;
        var settings = new AmazonS3Config
        {
            // Checksums of their own that not all compatible stores know; ours are in each checkpoint.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            ForcePathStyle = address.Endpoint is not null,
        };
        if (address.Region is { } region)
        {
            settings.AuthenticationRegion = region;
            settings.RegionEndpoint = address.Endpoint is null ? Amazon.RegionEndpoint.GetBySystemName(region) : null;
        }

        if (address.Endpoint is { } endpoint)
        {
            settings.ServiceURL = endpoint.ToString();
        }

        try
        {
            _client = new AmazonS3Client(settings);
        }
        catch (AmazonClientException unusable)
        {
            throw Unusable(unusable);
        }
    }

    /// <summary>Looks whether the store can be used.</summary>
    /// <exception cref="IotaException">It cannot (<see cref="ExitCode.Environment"/>).</exception>
    public Task RequireAsync(CancellationToken cancellationToken) =>
        UseAsync(() => _client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = _address.Bucket, Prefix = _address.Prefix, MaxKeys = 1 }, cancellationToken));

    /// <summary>Copies a checkpoint, and before the first one what else a run needs to go on; then removes all but the newest.</summary>
    /// <param name="run">The run.</param>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    /// <param name="keep">How many checkpoints stay.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="IotaException">The store does not take it (<see cref="ExitCode.Environment"/>).</exception>
    /// <exception cref="IOException">The checkpoint was removed meanwhile.</exception>
    public Task StoreAsync(RunFolder run, string checkpoint, int keep, CancellationToken cancellationToken) => UseAsync(async () =>
    {
        var there = await ListAsync(run.Name, cancellationToken);
        await UploadAsync(run.Name, Path.GetFileName(run.RunFile), run.RunFile, cancellationToken);
        foreach (var file in new DirectoryInfo(run.Data).EnumerateFiles().Where(file => !file.Name.StartsWith('.') && there.GetValueOrDefault(DataPart + file.Name, -1) != file.Length))
        {
            await UploadAsync(run.Name, DataPart + file.Name, file.FullName, cancellationToken);
        }

        var name = Path.GetFileName(checkpoint);
        foreach (var file in Directory.EnumerateFiles(checkpoint).OrderBy(file => Path.GetFileName(file) == FolderSums.FileName))
        {
            await UploadAsync(run.Name, $"{CheckpointsPart}{name}/{Path.GetFileName(file)}", file, cancellationToken);
        }

        await _client.PutObjectAsync(new PutObjectRequest { BucketName = _address.Bucket, Key = Key(run.Name, CheckpointsPart + CheckpointStore.LatestName), ContentBody = $"{name}\n", UseChunkEncoding = false }, cancellationToken);
        var others = CheckpointsOf(there.Keys).Where(other => other != name).ToArray();
        foreach (var old in others.Except(others.Where(other => IsComplete(there, other)).Take(keep - 1)))
        {
            // Its sums first: what is half removed must not look complete.
            foreach (var part in there.Keys.Where(part => part.StartsWith($"{CheckpointsPart}{old}/", StringComparison.Ordinal)).OrderByDescending(part => part.EndsWith(FolderSums.FileName, StringComparison.Ordinal)))
            {
                await _client.DeleteObjectAsync(_address.Bucket, Key(run.Name, part), cancellationToken);
            }
        }
    });

    /// <summary>Makes a run's folder from the store, with the newest checkpoint that is sound.</summary>
    /// <param name="run">The run.</param>
    /// <param name="root">Folder of the runs.</param>
    /// <param name="damaged">Told of checkpoints that are not what was written.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="IotaException">There is no such run in the store, or none of its checkpoints is sound, or there is one of that name here.</exception>
    public Task<string> FetchAsync(string run, string root, Action<string> damaged, CancellationToken cancellationToken) => UseAsync(async () =>
    {
        var there = await ListAsync(run, cancellationToken);
        var complete = CheckpointsOf(there.Keys).Where(name => IsComplete(there, name)).ToArray();
        if (complete.Length == 0)
        {
            throw new IotaException(ExitCode.RunState, $"{_address} has no checkpoint of a run {run}");
        }

        var folder = RunFolder.Create(root, run);
        try
        {
            foreach (var part in there.Keys.Where(part => !part.StartsWith(CheckpointsPart, StringComparison.Ordinal)))
            {
                await DownloadAsync(run, part, folder, cancellationToken);
            }

            foreach (var name in complete)
            {
                var checkpoint = Path.Combine(folder.Checkpoints, name);
                if (await TryDownloadAsync(run, name, there.Keys, folder, cancellationToken) is not { } damage)
                {
                    AtomicFile.WriteAllText(Path.Combine(folder.Checkpoints, CheckpointStore.LatestName), $"{name}\n");
                    return checkpoint;
                }

                damaged(damage);
                Directory.Delete(checkpoint, recursive: true);
            }

            throw new IotaException(ExitCode.Model, $"{_address}: none of the checkpoints of run {run} is what was written");
        }
        catch
        {
            Directory.Delete(folder.FullPath, recursive: true);
            throw;
        }
    });

    public void Dispose() => _client.Dispose();

    /// <summary>The checkpoints among names, the newest first.</summary>
    private static IEnumerable<string> CheckpointsOf(IEnumerable<string> parts) => parts
        .Where(part => part.StartsWith(CheckpointsPart, StringComparison.Ordinal) && part.IndexOf('/', CheckpointsPart.Length) > 0)
        .Select(part => part[CheckpointsPart.Length..part.IndexOf('/', CheckpointsPart.Length)])
        .Where(name => CheckpointStore.StepOf(name) is not null)
        .Distinct()
        .OrderByDescending(name => CheckpointStore.StepOf(name));

    private static bool IsComplete(SortedDictionary<string, long> there, string checkpoint) => there.ContainsKey($"{CheckpointsPart}{checkpoint}/{FolderSums.FileName}");

    private string Key(string run, string part) => $"{_address.Prefix}{run}/{part}";

    /// <summary>What there is of a run: names within it, and sizes.</summary>
    private async Task<SortedDictionary<string, long>> ListAsync(string run, CancellationToken cancellationToken)
    {
        var all = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var prefix = Key(run, "");
        var request = new ListObjectsV2Request { BucketName = _address.Bucket, Prefix = prefix };
        ListObjectsV2Response page;
        do
        {
            page = await _client.ListObjectsV2Async(request, cancellationToken);
            foreach (var item in page.S3Objects ?? [])
            {
                all[item.Key[prefix.Length..]] = item.Size ?? 0;
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
        return all;
    }

    private async Task UploadAsync(string run, string part, string file, CancellationToken cancellationToken)
    {
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"{file} is not there any longer", file);
        }

        if (new FileInfo(file).Length <= LargestInOnePart)
        {
            // As it is: not all compatible stores know the chunks that the client would make of it.
            await _client.PutObjectAsync(new PutObjectRequest { BucketName = _address.Bucket, Key = Key(run, part), FilePath = file, UseChunkEncoding = false }, cancellationToken);
            return;
        }

        using var transfer = new TransferUtility(_client);
        await transfer.UploadAsync(new TransferUtilityUploadRequest { BucketName = _address.Bucket, Key = Key(run, part), FilePath = file }, cancellationToken);
    }

    /// <returns>What is wrong with the checkpoint, in one line, or null.</returns>
    private async Task<string?> TryDownloadAsync(string run, string checkpoint, IEnumerable<string> parts, RunFolder folder, CancellationToken cancellationToken)
    {
        foreach (var part in parts.Where(part => part.StartsWith($"{CheckpointsPart}{checkpoint}/", StringComparison.Ordinal)))
        {
            try
            {
                await DownloadAsync(run, part, folder, cancellationToken);
            }
            catch (AmazonClientException torn)
            {
                // The store's own sum does not fit either.
                return $"{_address}{run}/{part}: is damaged: {torn.Message}";
            }
        }

        return await Task.Run(() => FolderSums.FindDamage(Path.Combine(folder.Checkpoints, checkpoint)), cancellationToken);
    }

    private async Task DownloadAsync(string run, string part, RunFolder folder, CancellationToken cancellationToken)
    {
        var path = Path.GetFullPath(Path.Combine(folder.FullPath, part));
        if (!path.StartsWith(folder.FullPath + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new IotaException(ExitCode.Data, $"{_address}: '{part}' would be written outside of the run's folder");
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var response = await _client.GetObjectAsync(_address.Bucket, Key(run, part), cancellationToken);
        await using var file = File.Create(path);
        await response.ResponseStream.CopyToAsync(file, cancellationToken);
    }

    private async Task UseAsync(Func<Task> use) => await UseAsync(async () =>
    {
        await use();
        return true;
    });

    private async Task<T> UseAsync<T>(Func<Task<T>> use)
    {
        try
        {
            return await use();
        }
        catch (Exception failure) when (failure is AmazonClientException or AmazonServiceException or HttpRequestException or WebException)
        {
            throw Unusable(failure);
        }
    }

    private IotaException Unusable(Exception failure) => new(ExitCode.Environment, $"{_address} cannot be used: {failure.Message.ReplaceLineEndings(" ")}", failure);
}
