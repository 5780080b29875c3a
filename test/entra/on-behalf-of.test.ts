import { readFileSync } from "node:fs";
import type http from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { API, TENANT_ID } from "easy-auth-local";
import { describe, expect, test } from "vitest";
import { createConfidentialClient } from "../../src/entra/client.ts";
import { KNOWN_NUMBERS } from "../../src/entra/exchange-failure.ts";
import { TokenCache } from "../../src/entra/token-cache.ts";
import type { AppError } from "../../src/errors.ts";
import { readSettings } from "../../src/settings.ts";
import {
  ENVIRONMENT,
  exchangeOf,
  GRAPH_DEFAULT,
  onBehalfOfAt,
  refuse,
  startTokenEndpoint,
  succeed,
} from "../support/exchange.ts";

async function failureOf(exchanging: Promise<unknown>): Promise<AppError> {
  return exchanging.then(
    () => {
      throw new Error("The exchange succeeded.");
    },
    (error) => error,
  );
}

/** A clock that a test moves. */
function createClock() {
  let time = Date.now();
  return {
    now: () => time,
    advance: (seconds: number) => {
      time += seconds * 1000;
    },
  };
}

const CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"p1"}}}';
const CLIENT_INFO = Buffer.from(JSON.stringify({ uid: "uid", utid: "utid" })).toString("base64url");
const NO_CONSENT = { error: "invalid_grant", suberror: "consent_required", error_codes: [65001] };

describe("an exchange", () => {
  test("gives the token that Entra issued for the assertion", async () => {
    const entra = await startTokenEndpoint((assertion, response) => succeed(response, `token of ${assertion}`));
    expect((await onBehalfOfAt(entra.url).exchange(exchangeOf("adele"))).accessToken).toBe("token of adele");
  });

  test("is made once for 100 callers who wait for the same token", async () => {
    const entra = await startTokenEndpoint((assertion, response) => succeed(response, `token of ${assertion}`));
    const onBehalfOf = onBehalfOfAt(entra.url);
    const tokens = await Promise.all(Array.from({ length: 100 }, () => onBehalfOf.exchange(exchangeOf("adele"))));
    expect(new Set(tokens.map(({ accessToken }) => accessToken))).toEqual(new Set(["token of adele"]));
    expect(entra.asked).toEqual(["adele"]);
    expect(onBehalfOf.inFlight).toBe(0);
  });

  test("is not repeated while its token is cached", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, "token"));
    const onBehalfOf = onBehalfOfAt(entra.url);
    const first = exchangeOf("adele");
    await onBehalfOf.exchange(first);
    await onBehalfOf.exchange(exchangeOf("adele"));
    expect(entra.asked).toHaveLength(1);
    expect(onBehalfOf.find("adele", [GRAPH_DEFAULT])).toEqual({ user: first.user, accessToken: "token" });
  });

  test("is another one for other scopes, but not for another order of the same scopes", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, `token ${entra.asked.length}`));
    const onBehalfOf = onBehalfOfAt(entra.url);
    const [mail, user] = ["https://graph.microsoft.com/Mail.Read", "https://graph.microsoft.com/User.Read"];
    expect((await onBehalfOf.exchange(exchangeOf("adele"))).accessToken).toBe("token 1");
    expect((await onBehalfOf.exchange(exchangeOf("adele", { scopes: [mail, user] }))).accessToken).toBe("token 2");
    expect((await onBehalfOf.exchange(exchangeOf("adele", { scopes: [user, mail] }))).accessToken).toBe("token 2");
  });

  test("is made again after its token was forgotten", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, "token"));
    const onBehalfOf = onBehalfOfAt(entra.url);
    const first = exchangeOf("adele");
    await onBehalfOf.exchange(first);
    onBehalfOf.forget(first, "token");
    expect(onBehalfOf.find("adele", [GRAPH_DEFAULT])).toBeUndefined();
    await onBehalfOf.exchange(exchangeOf("adele"));
    expect(entra.asked).toHaveLength(2);
  });

  test("is made again 300 s before its token expires", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, "token", 3600));
    const clock = createClock();
    const cache = new TokenCache({ maxBytes: 1e6, now: clock.now });
    const onBehalfOf = onBehalfOfAt(entra.url, { cache, now: clock.now });
    const user = { ...exchangeOf("").user, expiresAt: clock.now() / 1000 + 7200 };
    await onBehalfOf.exchange(exchangeOf("adele", { user }));
    clock.advance(3295);
    await onBehalfOf.exchange(exchangeOf("adele", { user }));
    expect(entra.asked).toHaveLength(1);
    clock.advance(10);
    await onBehalfOf.exchange(exchangeOf("adele", { user }));
    expect(entra.asked).toHaveLength(2);
  });

  test("serves no cached token after the assertion has expired", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, "token", 3600));
    const clock = createClock();
    const cache = new TokenCache({ maxBytes: 1e6, now: clock.now });
    const onBehalfOf = onBehalfOfAt(entra.url, { cache, now: clock.now });
    const user = { ...exchangeOf("").user, expiresAt: clock.now() / 1000 + 60 };
    await onBehalfOf.exchange(exchangeOf("adele", { user }));
    clock.advance(59);
    expect(onBehalfOf.find("adele", [GRAPH_DEFAULT])).toBeDefined();
    clock.advance(2);
    expect(onBehalfOf.find("adele", [GRAPH_DEFAULT])).toBeUndefined();
  });

  test("leaves nothing in MSAL's own cache, a refresh token least of all", async () => {
    const entra = await startTokenEndpoint((assertion, response) =>
      succeed(response, assertion, 3600, { refresh_token: "a refresh token", client_info: CLIENT_INFO }),
    );
    const client = createConfidentialClient(readSettings(ENVIRONMENT));
    const onBehalfOf = onBehalfOfAt(entra.url, { client });
    await Promise.all(["a", "b", "c"].map((assertion) => onBehalfOf.exchange(exchangeOf(assertion))));
    const kept = JSON.parse(client.getTokenCache().serialize()) as Record<string, object>;
    expect(Object.values(kept).flatMap((entries) => Object.keys(entries))).toEqual([]);
    const account = { homeAccountId: "uid.utid", environment: "login.microsoftonline.com", tenantId: TENANT_ID };
    const silent = client.acquireTokenSilent({
      account: { ...account, username: "", localAccountId: "uid" },
      scopes: [GRAPH_DEFAULT],
    });
    await expect(silent).rejects.toMatchObject({ errorCode: "no_tokens_found" });
    expect(entra.asked).toHaveLength(3);
  });
});

describe("Entra's answer", () => {
  test.each<[number, object, string]>([
    [400, NO_CONSENT, "consent_required"],
    [400, { error: "invalid_grant", error_codes: [65001] }, "consent_required"],
    [400, { error: "invalid_grant", error_codes: [90094] }, "consent_required"],
    [400, { error: "interaction_required", claims: CLAIMS, error_codes: [50076] }, "claims_challenge"],
    [
      400,
      { error: "invalid_grant", suberror: "basic_action", claims: CLAIMS, error_codes: [50079] },
      "claims_challenge",
    ],
    [400, { error: "invalid_grant", error_codes: [500133] }, "token_expired"],
    [400, { error: "invalid_grant", suberror: "bad_token", error_codes: [50173] }, "token_rejected"],
    [400, { error: "invalid_grant", error_codes: [999_999] }, "token_rejected"],
    [400, { error: "invalid_grant", suberror: "message_only", error_codes: [53003] }, "blocked_by_policy"],
    [400, { error: "access_denied" }, "blocked_by_policy"],
    [
      400,
      { error: "invalid_grant", suberror: "message_only", claims: CLAIMS, error_codes: [53003] },
      "blocked_by_policy",
    ],
    [400, { error: "interaction_required", claims: CLAIMS, error_codes: [53000] }, "claims_challenge"],
    [400, { error: "interaction_required", claims: CLAIMS, error_codes: [53001] }, "claims_challenge"],
    [400, { error: "interaction_required", error_codes: [53000] }, "blocked_by_policy"],
    [400, { error: "invalid_grant", error_codes: [50020] }, "user_not_assigned"],
    [400, { error: "interaction_required", error_codes: [50057] }, "blocked_by_policy"],
    [400, { error: "interaction_required", error_codes: [50076] }, "token_rejected"],
    [401, { error: "invalid_client", error_codes: [53003] }, "misconfigured"],
    [400, { error: "consent_required", error_codes: [50196] }, "consent_required"],
    [400, { error: "invalid_grant", suberror: "message_only" }, "blocked_by_policy"],
    [400, { error: "consent_required" }, "consent_required"],
    [400, { error: "invalid_grant", suberror: "consent_required" }, "consent_required"],
    [400, { error: "login_required" }, "token_rejected"],
    [400, { error: "unsupported_grant_type" }, "misconfigured"],
    [400, { error: "server_error" }, "identity_unavailable"],
    [404, { error: "something_new" }, "identity_unavailable"],
    [400, { error: "invalid_grant", error_codes: [50105] }, "user_not_assigned"],
    [400, { error: "invalid_grant", error_codes: [50196] }, "throttled"],
    [401, { error: "invalid_client", error_codes: [7000222] }, "misconfigured"],
    [400, { error: "unauthorized_client", error_codes: [700016] }, "misconfigured"],
    [400, { error: "invalid_scope" }, "misconfigured"],
    [400, { error: "invalid_resource", error_codes: [500011] }, "misconfigured"],
    [400, { error: "temporarily_unavailable" }, "identity_unavailable"],
    [400, {}, "identity_unavailable"],
    [403, { message: "blocked by a proxy" }, "identity_unavailable"],
    [429, {}, "throttled"],
    [500, { error: "server_error" }, "identity_unavailable"],
    [503, {}, "identity_unavailable"],
    [200, {}, "identity_unavailable"],
    [200, { access_token: "" }, "identity_unavailable"],
    [204, {}, "identity_unavailable"],
  ])("%i %j means %s", async (status, body, expected) => {
    const entra = await startTokenEndpoint((_, response) => refuse(response, status, body));
    expect((await failureOf(onBehalfOfAt(entra.url).exchange(exchangeOf("adele")))).code).toBe(expected);
  });

  test("with claims keeps them for the caller's next sign-in", async () => {
    const entra = await startTokenEndpoint((_, response) =>
      refuse(response, 400, { error: "invalid_grant", claims: CLAIMS }),
    );
    expect((await failureOf(onBehalfOfAt(entra.url).exchange(exchangeOf("adele")))).claims).toBe(CLAIMS);
  });

  test.each<[string, (response: http.ServerResponse, request: http.IncomingMessage) => void]>([
    ["of HTML", (response) => response.end("<html>proxy</html>")],
    [
      "cut short",
      (response) => response.writeHead(200, { "content-length": "500" }).write("{", () => response.destroy()),
    ],
    ["that never comes", (_, request) => request.socket.destroy()],
    ["that redirects", (response) => response.writeHead(307, { location: "http://localhost:9/" }).end()],
  ])("%s means identity_unavailable", async (_, answer) => {
    const entra = await startTokenEndpoint((_assertion, response, request) => answer(response, request));
    expect((await failureOf(onBehalfOfAt(entra.url).exchange(exchangeOf("adele")))).code).toBe("identity_unavailable");
  });

  test("is never shown in Entra's own words", async () => {
    const error_description = "AADSTS50000: about someone@contoso.example";
    const entra = await startTokenEndpoint((_, response) =>
      refuse(response, 400, { error: "invalid_grant", error_description }),
    );
    const failure = await failureOf(onBehalfOfAt(entra.url).exchange(exchangeOf("adele")));
    expect(JSON.stringify([failure.message, failure.hint, failure.detail, String(failure.cause)])).not.toContain(
      "someone",
    );
  });
});

describe("an exchange with the claims a resource asked for", () => {
  async function claimsAsked(respond: (claims: string | null, response: http.ServerResponse) => void) {
    const seen: (string | null)[] = [];
    const entra = await startTokenEndpoint((_, response, __, form) => {
      seen.push(form.get("claims"));
      respond(form.get("claims"), response);
    });
    return { seen, onBehalfOf: onBehalfOfAt(entra.url) };
  }

  test("passes them on, and replaces the cached token", async () => {
    const { seen, onBehalfOf } = await claimsAsked((_, response) => succeed(response, `token ${seen.length}`));
    expect((await onBehalfOf.exchange(exchangeOf("adele"))).accessToken).toBe("token 1");
    expect((await onBehalfOf.exchange(exchangeOf("adele", { claims: CLAIMS }))).accessToken).toBe("token 2");
    expect(JSON.parse(seen[1] ?? "").access_token).toMatchObject(JSON.parse(CLAIMS).access_token);
    expect((await onBehalfOf.exchange(exchangeOf("adele"))).accessToken).toBe("token 2");
    expect(seen).toHaveLength(2);
  });

  test("is made although the exchange without them was refused a moment ago", async () => {
    const { onBehalfOf } = await claimsAsked((claims, response) => {
      if (claims?.includes("acrs")) succeed(response, "token");
      else refuse(response, 400, NO_CONSENT);
    });
    expect((await failureOf(onBehalfOf.exchange(exchangeOf("adele")))).code).toBe("consent_required");
    expect((await onBehalfOf.exchange(exchangeOf("adele", { claims: CLAIMS }))).accessToken).toBe("token");
  });

  test("is made once for all who ask with the same claims, and remembered when refused", async () => {
    const { seen, onBehalfOf } = await claimsAsked((_, response) => refuse(response, 400, NO_CONSENT));
    const asking = () => failureOf(onBehalfOf.exchange(exchangeOf("adele", { claims: CLAIMS })));
    await Promise.all([asking(), asking(), asking()]);
    await asking();
    expect(seen).toHaveLength(1);
  });

  test("tells Entra in every exchange that this app can handle claims challenges", async () => {
    const { seen, onBehalfOf } = await claimsAsked((_, response) => succeed(response, "token"));
    await onBehalfOf.exchange(exchangeOf("adele"));
    expect(JSON.parse(seen[0] ?? "").access_token.xms_cc).toEqual({ values: ["cp1"] });
  });
});

describe("a token that its resource refuses", () => {
  const TRIES = 40;

  /** Returns the cost of 40 requests of one user whose resource refuses every token. */
  async function refusedAlways(claims?: string, respond?: (asked: number, response: http.ServerResponse) => void) {
    const entra = await startTokenEndpoint((_, response) => {
      if (respond) respond(entra.asked.length, response);
      else succeed(response, `token ${entra.asked.length}`);
    });
    const clock = createClock();
    const onBehalfOf = onBehalfOfAt(entra.url, { now: clock.now });
    const asking = async () => {
      const { accessToken } = await onBehalfOf.exchange(exchangeOf("adele"));
      onBehalfOf.forget(exchangeOf("adele"), accessToken);
      const renewed = await onBehalfOf.exchange(exchangeOf("adele", { claims }));
      onBehalfOf.forget(exchangeOf("adele"), renewed.accessToken);
      return renewed.accessToken;
    };
    return { entra, clock, onBehalfOf, asking };
  }

  test("with claims costs two exchanges for many requests, and every answer has the claims", async () => {
    const { entra, asking } = await refusedAlways(CLAIMS);
    expect(await asking()).toBe("token 2");
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { code, claims } = await failureOf(asking());
      expect([code, claims]).toEqual(["claims_challenge", CLAIMS]);
    }
    await Promise.all(Array.from({ length: TRIES }, () => failureOf(asking())));
    expect(entra.asked).toHaveLength(2);
  });

  test("with other claims in each of many requests at once is renewed twice at most", async () => {
    const { entra, onBehalfOf } = await refusedAlways();
    const { accessToken } = await onBehalfOf.exchange(exchangeOf("adele"));
    onBehalfOf.forget(exchangeOf("adele"), accessToken);
    const claims = (value: number) => `{"access_token":{"nbf":{"essential":true,"value":"${value}"}}}`;
    const asking = Array.from({ length: TRIES }, (_, index) =>
      onBehalfOf.exchange(exchangeOf("adele", { claims: claims(index) })).then(
        () => "renewed",
        ({ code }) => code,
      ),
    );
    const outcomes = await Promise.all(asking);
    expect(outcomes.filter((outcome) => outcome === "renewed")).toHaveLength(2);
    expect(new Set(outcomes)).toEqual(new Set(["renewed", "claims_challenge"]));
    expect(entra.asked).toHaveLength(3);
  });

  test("with claims that Entra does not satisfy either costs two exchanges", async () => {
    const { entra, clock, asking } = await refusedAlways(CLAIMS, (asked, response) => {
      if (asked === 1) succeed(response, "token");
      else refuse(response, 400, { error: "interaction_required", claims: CLAIMS });
    });
    for (let tries = 0; tries < TRIES; tries += 1) {
      expect((await failureOf(asking())).code).toBe("claims_challenge");
      clock.advance(1);
    }
    expect(entra.asked).toHaveLength(2);
  });

  test("without claims also costs two exchanges, and the resource's answer is passed on", async () => {
    const { entra, asking } = await refusedAlways();
    for (let tries = 0; tries < TRIES; tries += 1) expect(await asking()).toBe("token 2");
    expect(entra.asked).toHaveLength(2);
  });

  test("is renewed again after a minute, or at once if the exchange failed for a transient reason", async () => {
    const { entra, clock, asking } = await refusedAlways(CLAIMS);
    await asking();
    clock.advance(61);
    expect(await asking()).toBe("token 3");
    expect(entra.asked).toHaveLength(3);
    const failing = await refusedAlways(CLAIMS, (asked, response) => {
      if (asked === 1 || asked > 3) succeed(response, `token ${asked}`);
      else refuse(response, 503, {});
    });
    expect((await failureOf(failing.asking())).code).toBe("identity_unavailable");
    expect(await failing.asking()).toBe("token 5");
  });

  test("in many requests at once is renewed once for all of them", async () => {
    const { entra, onBehalfOf } = await refusedAlways();
    const { accessToken } = await onBehalfOf.exchange(exchangeOf("adele"));
    for (let tries = 0; tries < TRIES; tries += 1) {
      onBehalfOf.forget(exchangeOf("adele"), accessToken);
      const renewed = await onBehalfOf.exchange(exchangeOf("adele", { claims: CLAIMS }));
      expect(renewed.accessToken).toBe("token 2");
    }
    expect(entra.asked).toHaveLength(2);
  });
});

describe("a refusal", () => {
  test("because consent is missing says where the administrator of the user's own tenant grants it", async () => {
    const entra = await startTokenEndpoint((_, response) => refuse(response, 400, NO_CONSENT));
    const tenantId = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
    const user = { ...exchangeOf("").user, tenantId };
    expect(await failureOf(onBehalfOfAt(entra.url).exchange(exchangeOf("adele", { user })))).toMatchObject({
      code: "consent_required",
      resource: "https://graph.microsoft.com",
      adminConsentUrl: `https://login.microsoftonline.com/${tenantId}/adminconsent?client_id=${API.clientId}`,
    });
  });

  test("comes from the authority of the assertion's own tenant", async () => {
    const paths: (string | undefined)[] = [];
    const entra = await startTokenEndpoint((_, response, request) => {
      paths.push(request.url?.split("?")[0]);
      succeed(response, "token");
    });
    const tenantId = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
    await onBehalfOfAt(entra.url).exchange(exchangeOf("adele", { user: { ...exchangeOf("").user, tenantId } }));
    expect(paths).toEqual([`/${tenantId}/oauth2/v2.0/token`]);
  });
});

describe("an exchange that failed on the way", () => {
  test.each([500, 503, 0])("with %i is made once more, and succeeds", async (status) => {
    const entra = await startTokenEndpoint((_, response, request) => {
      if (entra.asked.length > 1) succeed(response, "token");
      else if (status === 0) request.socket.destroy();
      else refuse(response, status, {});
    });
    expect((await onBehalfOfAt(entra.url).exchange(exchangeOf("adele"))).accessToken).toBe("token");
    expect(entra.asked).toHaveLength(2);
  });

  test("is made at most twice", async () => {
    const entra = await startTokenEndpoint((_, response) => refuse(response, 503, {}));
    await failureOf(onBehalfOfAt(entra.url).exchange(exchangeOf("adele")));
    expect(entra.asked).toHaveLength(2);
  });

  test.each([400, 401, 403, 429])("is not made again after %i", async (status) => {
    const entra = await startTokenEndpoint((_, response) => refuse(response, status, { error: "invalid_grant" }));
    await failureOf(onBehalfOfAt(entra.url).exchange(exchangeOf("adele")));
    expect(entra.asked).toHaveLength(1);
  });

  test("because Entra hangs ends with its time-out, and is not made again", async () => {
    const entra = await startTokenEndpoint(() => {});
    const failure = await failureOf(onBehalfOfAt(entra.url, { requestTimeoutMs: 2000 }).exchange(exchangeOf("adele")));
    expect(failure.code).toBe("identity_unavailable");
    expect((failure.cause as { errorCode?: string }).errorCode).toBe("timeout");
    expect(entra.asked).toHaveLength(1);
  });

  test("because Entra hangs ends when more than a third of the request's time is left", async () => {
    const entra = await startTokenEndpoint(() => {});
    const failing = failureOf(onBehalfOfAt(entra.url, { requestTimeoutMs: 3000 }).exchange(exchangeOf("adele")));
    expect(await Promise.race([failing.then(() => "ended"), wait(2000, "still waits")])).toBe("ended");
  });
});

describe("a caller whose time is up", () => {
  /**
   * Composes an exchange that runs one at a time and is occupied by adele's, at an Entra that answers each assertion as
   * its token.
   */
  async function oneTurnTaken() {
    let answer = () => {};
    let taken = () => {};
    const isTaken = new Promise<void>((resolve) => {
      taken = resolve;
    });
    const entra = await startTokenEndpoint((assertion, response) => {
      if (assertion !== "adele") return succeed(response, assertion);
      answer = () => succeed(response, assertion);
      taken();
    });
    const onBehalfOf = onBehalfOfAt(entra.url, { concurrency: 1 });
    const first = onBehalfOf.exchange(exchangeOf("adele"));
    await isTaken;
    return { entra, onBehalfOf, first, answer };
  }

  test("stops waiting, while the others get the token", async () => {
    let answer = () => {};
    const entra = await startTokenEndpoint((_, response) => {
      answer = () => succeed(response, "token");
      controller.abort();
    });
    const controller = new AbortController();
    const onBehalfOf = onBehalfOfAt(entra.url);
    const impatient = onBehalfOf.exchange(exchangeOf("adele", { signal: controller.signal }));
    const patient = onBehalfOf.exchange(exchangeOf("adele"));
    expect((await failureOf(impatient)).code).toBe("identity_unavailable");
    answer();
    expect((await patient).accessToken).toBe("token");
    expect(entra.asked).toHaveLength(1);
  });

  test("gives up its place in the queue for an exchange when no other request waits for it", async () => {
    const { entra, onBehalfOf, first, answer } = await oneTurnTaken();
    const leaving = new AbortController();
    const { signal } = leaving;
    const left = [
      failureOf(onBehalfOf.exchange(exchangeOf("lidia", { signal }))),
      failureOf(onBehalfOf.exchange(exchangeOf("lidia", { signal }))),
      failureOf(onBehalfOf.exchange(exchangeOf("diego", { signal }))),
    ];
    const patient = [onBehalfOf.exchange(exchangeOf("diego")), onBehalfOf.exchange(exchangeOf("alex"))];
    leaving.abort();
    expect((await Promise.all(left)).map(({ code }) => code)).toEqual(Array(3).fill("identity_unavailable"));
    answer();
    const tokens = await Promise.all([first, ...patient]);
    expect(tokens.map(({ accessToken }) => accessToken)).toEqual(["adele", "diego", "alex"]);
    expect(entra.asked).toEqual(["adele", "diego", "alex"]);
    expect(onBehalfOf.inFlight).toBe(0);
  });

  test("may come back for the same token before its turn, or after it", async () => {
    const { entra, onBehalfOf, first, answer } = await oneTurnTaken();
    const leaving = new AbortController();
    const left = failureOf(onBehalfOf.exchange(exchangeOf("lidia", { signal: leaving.signal })));
    const others = failureOf(onBehalfOf.exchange(exchangeOf("diego", { signal: leaving.signal })));
    leaving.abort();
    await Promise.all([left, others]);
    const back = onBehalfOf.exchange(exchangeOf("lidia"));
    answer();
    await first;
    expect((await back).accessToken).toBe("lidia");
    expect((await onBehalfOf.exchange(exchangeOf("diego"))).accessToken).toBe("diego");
    expect(entra.asked).toEqual(["adele", "lidia", "diego"]);
  });
});

describe("the numbers in docs/errors.md", () => {
  const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
  const entries = page.split(/^## /m).slice(1);
  const rows = entries.flatMap((entry) => {
    const code = entry.split("\n")[0] ?? "";
    const list = /^AADSTS: (.*)$/m.exec(entry)?.[1] ?? "";
    return list
      .split(", ")
      .filter(Boolean)
      .map((number): [number, string] => [Number(number), code]);
  });

  test.each(rows)("%i means %s", async (number, code) => {
    const entra = await startTokenEndpoint((_, response) =>
      refuse(response, 400, { error: "invalid_grant", error_codes: [number] }),
    );
    expect((await failureOf(onBehalfOfAt(entra.url).exchange(exchangeOf("adele")))).code).toBe(code);
  });

  test("are all that the code knows", () => {
    expect(rows.map(([number]) => number).sort()).toEqual([...KNOWN_NUMBERS].sort());
  });
});

describe("one user's trouble stays theirs", () => {
  test.each<[string, (response: http.ServerResponse) => void]>([
    ["is refused", (response) => refuse(response, 400, NO_CONSENT)],
    ["is refused with Retry-After", (response) => refuse(response, 400, NO_CONSENT, { "retry-after": "60" })],
    ["meets a server error", (response) => refuse(response, 500, {})],
    ["hangs", () => {}],
  ])("while one user's exchange %s, another's succeeds", async (_, trouble) => {
    const entra = await startTokenEndpoint((assertion, response) => {
      if (assertion === "lidia") trouble(response);
      else succeed(response, `token of ${assertion}`);
    });
    const onBehalfOf = onBehalfOfAt(entra.url, { requestTimeoutMs: 500 });
    const lidia = failureOf(onBehalfOf.exchange(exchangeOf("lidia")));
    expect((await onBehalfOf.exchange(exchangeOf("adele"))).accessToken).toBe("token of adele");
    await lidia;
    expect((await onBehalfOf.exchange(exchangeOf("diego"))).accessToken).toBe("token of diego");
  });

  test("while Entra throttles, users with a cached token notice nothing", async () => {
    const entra = await startTokenEndpoint((assertion, response) => {
      if (assertion === "lidia") refuse(response, 429, {}, { "retry-after": "30" });
      else succeed(response, `token of ${assertion}`);
    });
    const onBehalfOf = onBehalfOfAt(entra.url);
    await onBehalfOf.exchange(exchangeOf("adele"));
    await failureOf(onBehalfOf.exchange(exchangeOf("lidia")));
    expect((await onBehalfOf.exchange(exchangeOf("adele"))).accessToken).toBe("token of adele");
  });

  test("a refusal is remembered for its user for some seconds, and for nobody else", async () => {
    const entra = await startTokenEndpoint((assertion, response) => {
      if (assertion === "lidia") refuse(response, 400, NO_CONSENT);
      else succeed(response, "token");
    });
    const clock = createClock();
    const onBehalfOf = onBehalfOfAt(entra.url, { now: clock.now });
    for (let count = 0; count < 3; count += 1) {
      expect((await failureOf(onBehalfOf.exchange(exchangeOf("lidia")))).code).toBe("consent_required");
    }
    expect(entra.asked).toEqual(["lidia"]);
    await onBehalfOf.exchange(exchangeOf("adele"));
    clock.advance(6);
    await failureOf(onBehalfOf.exchange(exchangeOf("lidia")));
    expect(entra.asked).toEqual(["lidia", "adele", "lidia"]);
  });

  test.each([50196, 90055])(
    "pauses only that user when Entra reports too many repetitions (%i, not 429)",
    async (number) => {
      const entra = await startTokenEndpoint((assertion, response) => {
        if (assertion === "lidia") refuse(response, 400, { error: "invalid_grant", error_codes: [number] });
        else succeed(response, "token");
      });
      const clock = createClock();
      const onBehalfOf = onBehalfOfAt(entra.url, { now: clock.now });
      for (let count = 0; count < 40; count += 1) {
        expect((await failureOf(onBehalfOf.exchange(exchangeOf("lidia")))).code).toBe("throttled");
      }
      expect(entra.asked).toEqual(["lidia"]);
      expect((await onBehalfOf.exchange(exchangeOf("adele"))).accessToken).toBe("token");
      clock.advance(6);
      await failureOf(onBehalfOf.exchange(exchangeOf("lidia")));
      expect(entra.asked).toEqual(["lidia", "adele", "lidia"]);
    },
  );

  test("the refusals of many users are remembered side by side", async () => {
    const entra = await startTokenEndpoint((_, response) => refuse(response, 400, NO_CONSENT));
    const onBehalfOf = onBehalfOfAt(entra.url, { now: createClock().now });
    const users = Array.from({ length: 50 }, (_, index) => `user-${index}`);
    for (const _ of [1, 2]) for (const user of users) await failureOf(onBehalfOf.exchange(exchangeOf(user)));
    expect(entra.asked).toEqual(users);
  });

  test.each([500, 401, 400])("a failure that the user did not cause is not remembered (%i)", async (status) => {
    const entra = await startTokenEndpoint((_, response) => {
      if (entra.asked.length <= 2) refuse(response, status, { error: "invalid_client" });
      else succeed(response, "token");
    });
    const onBehalfOf = onBehalfOfAt(entra.url);
    await failureOf(onBehalfOf.exchange(exchangeOf("adele")));
    if (entra.asked.length === 1) await failureOf(onBehalfOf.exchange(exchangeOf("adele")));
    expect((await onBehalfOf.exchange(exchangeOf("adele"))).accessToken).toBe("token");
  });
});

describe("after Entra answered 429", () => {
  async function throttled(headers: http.OutgoingHttpHeaders) {
    const clock = createClock();
    const entra = await startTokenEndpoint((_, response) => {
      if (entra.asked.length === 1) refuse(response, 429, {}, headers);
      else succeed(response, "token");
    });
    const onBehalfOf = onBehalfOfAt(entra.url, { now: clock.now });
    const failure = await failureOf(onBehalfOf.exchange(lidias("lidia")));
    return { clock, entra, onBehalfOf, failure };
  }

  const LIDIA = { ...exchangeOf("").user, objectId: "lidia" };
  const lidias = (assertion: string) => exchangeOf(assertion, { user: LIDIA });

  test("the user gets Retry-After at once without a request to Entra, and other users are served", async () => {
    const { clock, entra, onBehalfOf, failure } = await throttled({ "retry-after": "20" });
    expect([failure.code, failure.retryAfterSeconds]).toEqual(["throttled", 20]);
    clock.advance(5);
    const next = await failureOf(onBehalfOf.exchange(lidias("another assertion")));
    expect([next.code, next.retryAfterSeconds]).toEqual(["throttled", 15]);
    expect(entra.asked).toHaveLength(1);
    expect((await onBehalfOf.exchange(exchangeOf("adele"))).accessToken).toBe("token");
    clock.advance(16);
    expect((await onBehalfOf.exchange(lidias("lidia"))).accessToken).toBe("token");
  });

  test.each([
    ["without Retry-After lasts 5 s", {}, 5],
    ["never lasts longer than 60 s", { "retry-after": "3600" }, 60],
  ])("the pause %s", async (_, headers, seconds) => {
    const { clock, onBehalfOf } = await throttled(headers);
    clock.advance(seconds - 1);
    expect((await failureOf(onBehalfOf.exchange(lidias("lidia")))).code).toBe("throttled");
    clock.advance(2);
    expect((await onBehalfOf.exchange(lidias("lidia"))).accessToken).toBe("token");
  });

  test("Retry-After: 0 also causes a pause, so that not every request asks again", async () => {
    const { clock, entra, onBehalfOf } = await throttled({ "retry-after": "0" });
    for (let count = 0; count < 40; count += 1) {
      expect((await failureOf(onBehalfOf.exchange(lidias("lidia")))).code).toBe("throttled");
    }
    expect(entra.asked).toHaveLength(1);
    clock.advance(2);
    expect((await onBehalfOf.exchange(lidias("lidia"))).accessToken).toBe("token");
  });

  test("to three users of a tenant, only that tenant pauses", async () => {
    const clock = createClock();
    const entra = await startTokenEndpoint((assertion, response) => {
      if (assertion.startsWith("throttled")) refuse(response, 429, {}, { "retry-after": "20" });
      else succeed(response, "token");
    });
    const onBehalfOf = onBehalfOfAt(entra.url, { now: clock.now });
    const codeAfter = async (throttledUsers: number, exchange = exchangeOf("adele")) => {
      for (let user = 0; user < throttledUsers; user += 1) {
        await failureOf(onBehalfOf.exchange(exchangeOf(`throttled ${user}`)));
      }
      return onBehalfOf.exchange(exchange).then(
        () => "token",
        ({ code }: AppError) => code,
      );
    };
    expect(await codeAfter(2)).toBe("token");
    clock.advance(21);
    expect(await codeAfter(2, exchangeOf("diego"))).toBe("token");
    expect(await codeAfter(1, exchangeOf("megan"))).toBe("throttled");
    const tenantId = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
    const stranger = exchangeOf("alex", { user: { ...LIDIA, tenantId } });
    expect(await codeAfter(0, stranger)).toBe("token");
    clock.advance(21);
    expect(await codeAfter(0, exchangeOf("megan"))).toBe("token");
  });
});

describe("under overload", () => {
  test("exchanges wait for their turn; more than ten times the limit are refused at once", async () => {
    const waiting: (() => void)[] = [];
    const entra = await startTokenEndpoint((assertion, response) => {
      waiting.push(() => succeed(response, `token of ${assertion}`));
      if (entra.asked.length === 2) allAsked();
    });
    let allAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      allAsked = resolve;
    });
    const onBehalfOf = onBehalfOfAt(entra.url, { concurrency: 2 });
    const exchanging = Array.from({ length: 23 }, (_, index) =>
      onBehalfOf.exchange(exchangeOf(`user ${index}`)).then(
        ({ accessToken }) => accessToken,
        (error: AppError) => error,
      ),
    );
    const last = (await exchanging.at(-1)) as AppError;
    expect([last.code, last.retryAfterSeconds]).toEqual(["overloaded", 1]);
    await asked;
    expect(entra.asked).toHaveLength(2);

    const answering = setInterval(() => {
      for (const answer of waiting.splice(0)) answer();
    }, 1);
    const results = await Promise.all(exchanging);
    clearInterval(answering);
    expect(results.slice(0, 22)).toEqual(Array.from({ length: 22 }, (_, index) => `token of user ${index}`));
    expect(onBehalfOf.inFlight).toBe(0);
  });
});
