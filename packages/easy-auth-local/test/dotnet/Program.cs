using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Identity.Web;
using Microsoft.Identity.Web.Resource;

// Three apps as people write them with Microsoft.Identity.Web; the first argument names the one to run.
string[] scopes = ["user.read"];
var builder = WebApplication.CreateBuilder(args[1..]);
// The line that says where it listens, and what goes wrong.
builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
builder.Services.AddAuthorization();

switch (args[0])
{
    // Behind Easy Auth: the environment variables of App Service say so.
    case "app-services":
    // Signs its users in by itself.
    case "web":
        builder.Services.AddMicrosoftIdentityWebAppAuthentication(builder.Configuration)
            .EnableTokenAcquisitionToCallDownstreamApi(scopes)
            .AddInMemoryTokenCaches();
        break;
    // Takes tokens of its users, and exchanges them.
    case "api":
        builder.Services.AddMicrosoftIdentityWebApiAuthentication(builder.Configuration)
            .EnableTokenAcquisitionToCallDownstreamApi()
            .AddInMemoryTokenCaches();
        break;
    default:
        throw new ArgumentException($"There is no app {args[0]}.");
}

// What makes them clients of the local stack. MSAL and calls of Graph use the default HTTP client; the middlewares and the
// check of the issuer have clients of their own, which are set after Microsoft.Identity.Web has set them.
builder.Services.ConfigureHttpClientDefaults(http => http.ConfigurePrimaryHttpMessageHandler(() => new StackHandler()));
builder.Services.ConfigureAll<JwtBearerOptions>(options => options.BackchannelHttpHandler = new StackHandler());
builder.Services.ConfigureAll<OpenIdConnectOptions>(options => options.BackchannelHttpHandler = new StackHandler());
builder.Services.Configure<AadIssuerValidatorOptions>(options => options.HttpClientName = "issuer");

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapGet("/health", () => "ok");
app.MapGet("/user", (HttpContext context) => new
{
    context.User.Identity?.Name,
    Scheme = context.User.Identity?.AuthenticationType,
    ObjectId = context.User.GetObjectId(),
    TenantId = context.User.GetTenantId(),
}).RequireAuthorization();
app.MapGet("/graph", async (ITokenAcquisition tokens, IHttpClientFactory clients) =>
{
    var graphToken = await tokens.GetAccessTokenForUserAsync(scopes);
    using var request = new HttpRequestMessage(HttpMethod.Get, "https://graph.microsoft.com/v1.0/me");
    request.Headers.Authorization = new("Bearer", graphToken);
    using var response = await clients.CreateClient().SendAsync(request);
    return Results.Content(await response.Content.ReadAsStringAsync(), "application/json", null, (int)response.StatusCode);
}).RequireAuthorization();
app.Run();
