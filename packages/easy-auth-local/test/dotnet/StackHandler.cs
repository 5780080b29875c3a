/// <summary>
/// Sends requests for Microsoft's hosts to the local stack, by the names that the app knows: the authority stays
/// https://login.microsoftonline.com, so MSAL does not ask Microsoft about an authority at localhost.
/// </summary>
sealed class StackHandler() : DelegatingHandler(new SocketsHttpHandler())
{
    static readonly Dictionary<string, Uri> Targets = new()
    {
        ["login.microsoftonline.com"] = Target("EMULATED_ENTRA_URL"),
        ["graph.microsoft.com"] = Target("EMULATED_GRAPH_URL"),
    };

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stopping)
    {
        if (request.RequestUri is { } asked && Targets.TryGetValue(asked.Host, out var target))
        {
            request.Headers.Host = asked.Host;
            request.RequestUri = new Uri(target, asked.PathAndQuery);
        }
        return base.SendAsync(request, stopping);
    }

    static Uri Target(string variable) =>
        new(Environment.GetEnvironmentVariable(variable) ?? throw new InvalidOperationException($"{variable} is not set."));
}
