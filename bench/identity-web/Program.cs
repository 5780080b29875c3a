using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Identity.Client;
using Microsoft.Identity.Web;
using Microsoft.Identity.Web.Resource;
using Microsoft.Identity.Web.TokenCacheProviders;

// The profile of the signed-in user with Microsoft's own stack. The first argument names how: `floor` hashes the token and looks up
// another, `untuned` is what the documentation shows, `tuned` has no log, and a token cache without serialization.
string[] scopes = ["https://graph.microsoft.com/.default"];
var mode = args[0];
var builder = mode == "untuned" ? WebApplication.CreateBuilder() : WebApplication.CreateSlimBuilder();
if (mode == "untuned") builder.Logging.SetMinimumLevel(Microsoft.Extensions.Logging.LogLevel.Warning);
else builder.Logging.ClearProviders();
builder.Services.ConfigureHttpClientDefaults(http =>
{
    http.ConfigurePrimaryHttpMessageHandler(() => new FakesHandler());
    if (mode != "untuned") http.RemoveAllLoggers();
});
if (mode != "floor")
{
    var acquisition = builder.Services.AddMicrosoftIdentityWebApiAuthentication(builder.Configuration)
        .EnableTokenAcquisitionToCallDownstreamApi();
    if (mode == "untuned") acquisition.AddInMemoryTokenCaches();
    else builder.Services.AddSingleton<IMsalTokenCacheProvider, MsalsOwnCache>();
    builder.Services.AddAuthorization();
    builder.Services.ConfigureAll<JwtBearerOptions>(options => options.BackchannelHttpHandler = new FakesHandler());
    builder.Services.Configure<AadIssuerValidatorOptions>(options => options.HttpClientName = "issuer");
}

var app = builder.Build();
app.MapGet("/cpu", () => Process.GetCurrentProcess().TotalProcessorTime.TotalMicroseconds);
app.MapGet("/memory", () => Process.GetCurrentProcess().WorkingSet64);
if (mode == "floor")
{
    var known = new ConcurrentDictionary<string, string>();
    var made = new string('t', 2679);
    app.MapGet("/api/profile", (HttpRequest request, IHttpClientFactory clients) =>
    {
        var assertion = request.Headers.Authorization.ToString()["Bearer ".Length..];
        var key = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(assertion)));
        return ProfileAsync(clients, known.GetOrAdd(key, _ => "ey" + made));
    });
}
else
{
    app.UseAuthentication();
    app.UseAuthorization();
    app.MapGet("/api/profile", async (ITokenAcquisition tokens, IHttpClientFactory clients) =>
        await ProfileAsync(clients, await tokens.GetAccessTokenForUserAsync(scopes))).RequireAuthorization();
}
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"Listening on {app.Urls.First()}"));
app.Run();

static async Task<IResult> ProfileAsync(IHttpClientFactory clients, string accessToken)
{
    using var request = new HttpRequestMessage(HttpMethod.Get, "https://graph.microsoft.com/v1.0/me");
    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
    using var response = await clients.CreateClient().SendAsync(request);
    response.EnsureSuccessStatusCode();
    return Results.Json(await response.Content.ReadFromJsonAsync<JsonElement>());
}

/// <summary>Leaves the tokens where MSAL keeps them: in memory, as objects.</summary>
sealed class MsalsOwnCache : IMsalTokenCacheProvider
{
    public void Initialize(ITokenCache tokenCache) { }
    public Task InitializeAsync(ITokenCache tokenCache) => Task.CompletedTask;
    public Task ClearAsync(string homeAccountId) => Task.CompletedTask;
}

/// <summary>Sends requests for Microsoft's hosts to the fakes, by the names that the app knows.</summary>
sealed class FakesHandler() : DelegatingHandler(Shared)
{
    static readonly SocketsHttpHandler Shared = new();
    static readonly Uri Fakes = new(Environment.GetEnvironmentVariable("FAKES_URL") ?? throw new InvalidOperationException("FAKES_URL is not set."));

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stopping)
    {
        if (request.RequestUri is { } asked)
        {
            request.Headers.Host = asked.Host;
            request.RequestUri = new Uri(Fakes, asked.PathAndQuery);
        }
        return base.SendAsync(request, stopping);
    }
}
