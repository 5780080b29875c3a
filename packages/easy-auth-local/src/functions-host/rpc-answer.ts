import type { ServerResponse } from "node:http";
import type { RpcCookie, RpcHttpResponse } from "./core-types.ts";
import { endEmpty, isAscii } from "./kestrel.ts";

/**
 * Sends what the function returned, as RawScriptResult.cs and ScriptObjectResult.cs in Azure/azure-functions-host do.
 * Throws for a header that cannot be sent; those before it stay set. A wrong `content-length` ends as with Kestrel: a
 * longer body is a 500, a shorter one ends the connection.
 */
export function sendRpcAnswer(answer: ServerResponse, isHead: boolean, response: RpcHttpResponse): void {
  const { statusCode, headers, cookies, enableContentNegotiation = false } = response;
  for (const [name, value] of Object.entries(headers)) {
    if (!isAscii(value)) throw new Error(`Invalid non-ASCII or control character in header ${name}.`);
    answer.setHeader(name, value);
  }
  const body = Buffer.from(response.body?.bytes ?? "");
  answer.statusCode = Number(statusCode);
  if (enableContentNegotiation) return void sendNegotiated(answer, body);
  for (const cookie of cookies) answer.appendHeader("set-cookie", formatCookie(cookie));
  const missing = isHead ? 0 : Number(answer.getHeader("content-length") ?? body.length) - body.length;
  if (missing < 0) return void refuseLongBody(answer);
  if (missing > 0) return void answer.write(body, () => answer.destroy());
  answer.end(body);
}

/** Sends bytes as ASP.NET's JSON formatter writes them, in Base64. Cookies get lost there. */
function sendNegotiated(answer: ServerResponse, body: Buffer): void {
  answer.setHeader("content-type", "application/json; charset=utf-8");
  answer.end(JSON.stringify(body.toString("base64")));
}

function refuseLongBody(answer: ServerResponse): void {
  for (const name of answer.getHeaderNames()) answer.removeHeader(name);
  answer.shouldKeepAlive = false;
  endEmpty(answer, 500);
}

/** Formats a cookie as ASP.NET Core does: ResponseCookies.cs and SetCookieHeaderValue.cs in dotnet/aspnetcore. */
function formatCookie(cookie: RpcCookie): string {
  const attributes = [
    `${cookie.name}=${encodeURIComponent(cookie.value)}`,
    cookie.expires && `expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`,
    cookie.maxAge && `max-age=${Math.trunc(cookie.maxAge.value)}`,
    cookie.domain && `domain=${cookie.domain.value}`,
    `path=${cookie.path?.value ?? "/"}`,
    cookie.secure?.value && "secure",
    cookie.sameSite !== "none" && `samesite=${cookie.sameSite === "explicitNone" ? "none" : cookie.sameSite}`,
    cookie.httpOnly?.value && "httponly",
  ];
  return attributes.filter(Boolean).join("; ");
}
