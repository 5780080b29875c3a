import { type HttpHandler, HttpRequest, type HttpResponse, InvocationContext } from "@azure/functions";
import { describe, expect, test } from "vitest";
import { createAsUser, type RequestPath } from "../src/as-user.ts";
import type { CachedToken } from "../src/entra/token-cache.ts";
import { AppError } from "../src/errors.ts";
import { withDeadline } from "../src/outgoing/deadline.ts";
import type { VerifiedUser } from "../src/user.ts";
import type { UserHandler } from "../src/user-endpoint.ts";

const GRAPH = "https://graph.microsoft.com";
const STORAGE = "https://storage.azure.com";
const USER: VerifiedUser = { tenantId: "tenant", objectId: "object", expiresAt: 1_900_000_000 };

interface Steps extends RequestPath {
  /** Steps of the path in the order in which they were taken. */
  readonly taken: string[];
}

/** Makes the parts of a request path whose exchange gives `<resource>#<n>`; `cached` is what the cache holds at first. */
function pathWith({
  cached,
  timeoutMs = 5000,
  ...changes
}: Partial<RequestPath> & { cached?: CachedToken; timeoutMs?: number } = {}): Steps {
  const taken: string[] = [];
  let found = cached;
  return {
    taken,
    verify: async (assertion) => {
      taken.push(`verify ${assertion}`);
      return USER;
    },
    onBehalfOf: {
      find: (assertion, scopes) => {
        taken.push(`find ${assertion} ${scopes}`);
        return found;
      },
      exchange: async ({ assertion, user, scopes, claims }) => {
        taken.push(`exchange ${[assertion, scopes, claims].filter(Boolean).join(" ")}`);
        return { user, accessToken: `token for ${scopes}` };
      },
      forget: ({ assertion, scopes }) => {
        taken.push(`forget ${assertion} ${scopes}`);
        found = undefined;
      },
      linksFor: ({ tenantId }) => ({
        authorizationUri: `https://a/${tenantId}`,
        adminConsentUrl: `https://b/${tenantId}`,
      }),
    },
    withDeadline: (work) => withDeadline(timeoutMs, work),
    graphOrigin: GRAPH,
    ...changes,
  };
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function answerOf(handle: HttpHandler, authorization = "Bearer asserted"): Promise<Answer> {
  const headers = { ...(authorization && { authorization }) };
  const request = new HttpRequest({ method: "GET", url: "http://localhost/api/x", headers });
  const context = new InvocationContext({ functionName: "x", invocationId: "id-1", logHandler: () => {} });
  const response = (await handle(request, context)) as HttpResponse;
  return { status: response.status, body: JSON.parse((await response.text()) || "{}") };
}

const useGraph: UserHandler = async (user) => ({ jsonBody: { token: await user.accessToken(GRAPH) } });

describe("a request of a user", () => {
  test("is verified, then exchanged when its handler first uses a token, then answered", async () => {
    const path = pathWith();
    const { status, body } = await answerOf(createAsUser(path)(["User.Read"], useGraph));
    expect([status, body]).toEqual([200, { token: `token for ${GRAPH}/User.Read` }]);
    expect(path.taken).toEqual([
      `find asserted ${GRAPH}/User.Read`,
      "verify asserted",
      `exchange asserted ${GRAPH}/User.Read`,
    ]);
  });

  test("whose token is cached is neither verified nor exchanged again", async () => {
    const path = pathWith({ cached: { user: USER, accessToken: "cached" } });
    const { body } = await answerOf(createAsUser(path)(["User.Read"], useGraph));
    expect([body, path.taken]).toEqual([{ token: "cached" }, [`find asserted ${GRAPH}/User.Read`]]);
  });

  test("whose handler calls no service is still verified, and costs no exchange", async () => {
    const path = pathWith();
    const handler: UserHandler = async ({ objectId, tenantId, correlationId, links }) => ({
      jsonBody: { objectId, tenantId, correlationId, links },
    });
    expect((await answerOf(createAsUser(path)(["User.Read"], handler))).body).toEqual({
      objectId: "object",
      tenantId: "tenant",
      correlationId: "id-1",
      links: { authorizationUri: "https://a/tenant", adminConsentUrl: "https://b/tenant" },
    });
    expect(path.taken).toEqual([`find asserted ${GRAPH}/User.Read`, "verify asserted"]);
  });

  test("without a token reaches neither verification nor its handler", async () => {
    const path = pathWith();
    const handler: UserHandler = async () => {
      throw new Error("The handler ran.");
    };
    expect(await answerOf(createAsUser(path)(["User.Read"], handler), "")).toMatchObject({
      status: 401,
      body: { code: "not_signed_in" },
    });
    expect(path.taken).toEqual([]);
  });

  test("that is not verified does not reach its handler", async () => {
    const path = pathWith({ verify: () => Promise.reject(new AppError("token_expired")) });
    const handler: UserHandler = async () => {
      throw new Error("The handler ran.");
    };
    expect((await answerOf(createAsUser(path)(["User.Read"], handler))).body.code).toBe("token_expired");
  });

  test("for several resources acquires all their tokens at once, unless all of them are cached", async () => {
    const path = pathWith({ cached: { user: USER, accessToken: "cached" } });
    const endpoint = createAsUser(path)([`${STORAGE}/user_impersonation`, "User.Read"], async (user) => ({
      jsonBody: { token: await user.accessToken(STORAGE) },
    }));
    expect((await answerOf(endpoint)).body).toEqual({ token: `token for ${STORAGE}/user_impersonation` });
    expect(path.taken.slice(1)).toEqual([
      `exchange asserted ${GRAPH}/User.Read`,
      `exchange asserted ${STORAGE}/user_impersonation`,
    ]);
    expect(endpoint.scopes).toEqual([`${STORAGE}/user_impersonation`, `${GRAPH}/User.Read`]);
  });

  test("whose exchange for another resource fails gets the error only when the handler uses that resource", async () => {
    const path = pathWith();
    const exchange: RequestPath["onBehalfOf"]["exchange"] = async (request) => {
      if (request.scopes[0]?.startsWith(STORAGE)) throw new AppError("consent_required");
      return path.onBehalfOf.exchange(request);
    };
    const asUser = createAsUser({ ...path, onBehalfOf: { ...path.onBehalfOf, exchange } });
    const scopes = ["User.Read", `${STORAGE}/user_impersonation`];
    expect((await answerOf(asUser(scopes, useGraph))).status).toBe(200);
    const both: UserHandler = async (user) => {
      await user.accessToken(GRAPH);
      return { jsonBody: { token: await user.accessToken(STORAGE) } };
    };
    expect((await answerOf(asUser(scopes, both))).body.code).toBe("consent_required");
  });

  test("whose cached token was refused drops it and exchanges again, with the claims if some were asked for", async () => {
    const path = pathWith({ cached: { user: USER, accessToken: "cached" } });
    await answerOf(
      createAsUser(path)(["User.Read"], async (user) => {
        user.forgetAccessToken(GRAPH);
        await user.accessToken(GRAPH);
        return { jsonBody: { token: await user.accessToken(GRAPH, '{"a":1}') } };
      }),
    );
    expect(path.taken.slice(1)).toEqual([
      `forget asserted ${GRAPH}/User.Read`,
      `exchange asserted ${GRAPH}/User.Read`,
      `exchange asserted ${GRAPH}/User.Read {"a":1}`,
    ]);
  });

  test("gets no token of a resource that its endpoint does not name", async () => {
    const path = pathWith();
    const endpoint = createAsUser(path)(["User.Read"], async (user) => ({ body: await user.accessToken(STORAGE) }));
    expect(await answerOf(endpoint)).toMatchObject({ status: 500, body: { code: "internal_error" } });
    expect(path.taken.some((step) => step.startsWith("exchange"))).toBe(false);
  });

  test("is answered within the time-out, whatever its handler does", async () => {
    const path = pathWith({ timeoutMs: 20 });
    const endpoint = createAsUser(path)(["User.Read"], () => new Promise(() => {}));
    expect(await answerOf(endpoint)).toMatchObject({ status: 504, body: { code: "downstream_timeout" } });
  });

  test("is refused in the way its handler says", async () => {
    const endpoint = createAsUser(pathWith())(["User.Read"], async () => {
      throw new AppError("not_found", { detail: "There is no order 7." });
    });
    expect(await answerOf(endpoint)).toMatchObject({
      status: 404,
      body: { code: "not_found", detail: "There is no order 7." },
    });
  });
});

test("an endpoint with scopes that Entra would refuse cannot be made", () => {
  expect(() => createAsUser(pathWith())(["User.Read", ".default"], useGraph)).toThrow('".default"');
  const mixed = ["User.Read", `${GRAPH}/.default`];
  expect(() => createAsUser(pathWith())(mixed, useGraph)).toThrow(`The scopes of ${GRAPH} mix .default with others`);
});

// The compiler checks these: `npm run typecheck` fails if one of them compiles.
test("a failure accepts only the options that belong to its code", () => {
  // @ts-expect-error: a claims challenge without claims could not be answered.
  new AppError("claims_challenge");
  // @ts-expect-error
  new AppError("claims_challenge", { hint: "no claims" });
  // @ts-expect-error: only a claims challenge has claims.
  new AppError("not_found", { claims: "{}" });
  // @ts-expect-error: only a missing consent has a consent's address.
  new AppError("not_found", { adminConsentUrl: "https://a" });
  expect(new AppError("claims_challenge", { claims: "{}" }).claims).toBe("{}");
});
