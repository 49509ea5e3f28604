using IotaOrleans.Host.CommandLine;

return await IotaProgram.RunAsync(args);
