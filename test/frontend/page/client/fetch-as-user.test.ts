import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type Browser, createFetchAsUser, type FetchAsUser } from "../../../../frontend/page/client/fetch-as-user.ts";
import type { Problem, RequestProblem } from "../../../../frontend/page/client/problem.ts";
import { serveBackend, unusedUrl } from "../../fixture.ts";

const PAGE = "/orders?open=1#total";
const SIGN_IN = `/.auth/login/aad?post_login_redirect_uri=${encodeURIComponent(PAGE)}`;
const EXPIRED = { status: 401, code: "token_expired", challenge: 'Bearer realm="", error="invalid_token"' };
const CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const CHALLENGED = {
  status: 401,
  code: "claims_challenge",
  challenge: `Bearer realm="", error="insufficient_claims", claims="${btoa(CLAIMS)}"`,
};
const BUSY = { status: 503, code: "throttled", retryAfter: "0" };

interface Told {
  readonly status: number;
  readonly code?: string;
  readonly challenge?: string;
  readonly retryAfter?: string;
}

const OK: Told = { status: 200 };

describe("a call", () => {
  test("returns the answer, and is marked as a request of a script", async () => {
    const app = await startApp(() => OK);
    expect((await app.fetchAsUser("/api/x", { headers: { accept: "text/csv" } })).status).toBe(200);
    expect(app.asked).toEqual(["GET /api/x"]);
    expect(app.headers[0]).toMatchObject({ accept: "text/csv", "x-requested-with": "XMLHttpRequest" });
  });

  test("succeeds with an answer of 304", async () => {
    const app = await startApp(() => ({ status: 304 }));
    expect((await app.fetchAsUser("/api/x")).status).toBe(304);
  });

  test.each(["https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example/", "api/x"])(
    "to %s, which is no path of this app, is never sent",
    async (path) => {
      const app = await startApp(() => OK);
      await expect(app.fetchAsUser(path as "/")).rejects.toThrow(TypeError);
      expect(app.asked).toEqual([]);
    },
  );
});

describe("an expired token", () => {
  test("is renewed and the call sent again, with its body, without the caller noticing", async () => {
    const app = await startApp(inTurn({ "/api/x": [EXPIRED, OK], "/.auth/refresh": [OK] }));
    expect((await app.fetchAsUser("/api/x", { method: "POST", body: "b" })).status).toBe(200);
    expect(app.asked).toEqual(["POST /api/x b", "GET /.auth/refresh", "POST /api/x b"]);
    expect(app.wentTo).toEqual([]);
  });

  test("is renewed once for all calls at the same time", async () => {
    const app = await startApp((path) => {
      if (path === "/.auth/refresh") return OK;
      return app.asked.includes("GET /.auth/refresh") ? OK : EXPIRED;
    });
    const paths = ["/api/a", "/api/b", "/api/c", "/api/d"] as const;
    const answers = await Promise.all(paths.map((path) => app.fetchAsUser(path)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(app.asked.filter((one) => one === "GET /.auth/refresh")).toHaveLength(1);
  });

  test("is not renewed again for a call that was sent before a renewal ended", async () => {
    let endFirst = (): void => {};
    const firstEnded = new Promise<void>((resolve) => {
      endFirst = resolve;
    });
    const answers = inTurn({ "/api/first": [EXPIRED, OK], "/api/late": [EXPIRED, OK], "/.auth/refresh": [OK] });
    const app = await startApp(async (path, response) => {
      if (path === "/api/late") await firstEnded;
      return answers(path, response);
    });
    const late = app.fetchAsUser("/api/late");
    while (!app.asked.includes("GET /api/late")) await setImmediate();
    await app.fetchAsUser("/api/first");
    endFirst();
    expect((await late).status).toBe(200);
    expect(app.asked.filter((one) => one === "GET /.auth/refresh")).toHaveLength(1);
  });

  test.each([401, 403, 500])(
    "signs the user in, back to the same address, if the renewal is answered %i",
    async (status) => {
      const app = await startApp((path) => (path === "/.auth/refresh" ? { status } : EXPIRED));
      expect(await problemOf(app.fetchAsUser("/api/x"))).toMatchObject({ code: "signing_in" });
      expect(app.wentTo).toEqual([SIGN_IN]);
      expect(app.asked).toEqual(["GET /api/x", "GET /.auth/refresh"]);
    },
  );

  test("is renewed once, and then signs the user in if that does not help", async () => {
    const app = await startApp((path) => (path === "/.auth/refresh" ? OK : EXPIRED));
    expect(await problemOf(app.fetchAsUser("/api/x"))).toMatchObject({ code: "signing_in" });
    expect(app.asked).toEqual(["GET /api/x", "GET /.auth/refresh", "GET /api/x"]);
    expect(app.wentTo).toEqual([SIGN_IN]);
  });

  test("is also assumed for a bare 401, as Easy Auth answers", async () => {
    const app = await startApp(inTurn({ "/api/x": [{ status: 401 }, OK], "/.auth/refresh": [OK] }));
    expect((await app.fetchAsUser("/api/x")).status).toBe(200);
  });
});

describe("a redirect", () => {
  const redirect = (): Response => Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });

  test("to the sign-in page ends in a sign-in when the session cannot be renewed", async () => {
    const asked: string[] = [];
    const app = await startApp(() => OK, {
      fetch: async (path) => {
        asked.push(path);
        return redirect();
      },
    });
    expect(await problemOf(app.fetchAsUser("/api/x"))).toMatchObject({ code: "signing_in" });
    expect(asked).toEqual(["/api/x", "/.auth/refresh"]);
  });

  test("during a valid session comes from the API: it is shown, and no sign-in begins", async () => {
    const app = await startApp(() => OK, {
      fetch: async (path) => (path === "/.auth/refresh" ? new Response(null) : redirect()),
    });
    expect(await problemOf(app.fetchAsUser("/api/files/a"))).toMatchObject({ code: "redirected" });
    expect(app.wentTo).toEqual([]);
  });
});

describe("a caller that wants to know of a sign-in", () => {
  test("gets the reason, and the browser leaves if it agrees", async () => {
    const told: string[] = [];
    const app = await startApp(() => CHALLENGED);
    const onSignIn = async ({ code }: Problem): Promise<boolean> => {
      told.push(`${code}, left: ${app.wentTo.length}`);
      return true;
    };
    expect(await problemOf(app.fetchAsUser("/api/x", { onSignIn }))).toMatchObject({ code: "signing_in" });
    expect(told).toEqual(["claims_challenge, left: 0"]);
    expect(app.wentTo).toHaveLength(1);
  });

  test("gets the problem thrown if it does not agree, and may agree later", async () => {
    const app = await startApp(() => CHALLENGED);
    const call = app.fetchAsUser("/api/x", { onSignIn: () => false });
    expect(await problemOf(call)).toMatchObject({ code: "claims_challenge", claims: CLAIMS });
    expect(app.wentTo).toEqual([]);
    expect(await problemOf(app.fetchAsUser("/api/x"))).toMatchObject({ code: "signing_in" });
  });

  test("is not asked if no sign-in is needed", async () => {
    const app = await startApp(() => CHALLENGED);
    await problemOf(app.fetchAsUser("/api/x"));
    const onSignIn = (): never => {
      throw new Error("asked");
    };
    expect(await problemOf(app.reload()("/api/x", { onSignIn }))).toMatchObject({ code: "claims_challenge" });
  });
});

describe("a claims challenge", () => {
  test("signs the user in with the claims, without renewing first", async () => {
    const app = await startApp(() => CHALLENGED);
    expect(await problemOf(app.fetchAsUser("/api/x"))).toMatchObject({ code: "signing_in" });
    expect(app.wentTo).toEqual([`${SIGN_IN}&claims=${encodeURIComponent(CLAIMS)}`]);
    expect(app.asked).toEqual(["GET /api/x"]);
  });

  test("after a renewal signs the user in as well", async () => {
    const app = await startApp(inTurn({ "/api/x": [EXPIRED, CHALLENGED], "/.auth/refresh": [OK] }));
    await problemOf(app.fetchAsUser("/api/x"));
    expect(app.wentTo).toEqual([`${SIGN_IN}&claims=${encodeURIComponent(CLAIMS)}`]);
  });

  test("that the sign-in did not satisfy is shown, with the claims for another sign-in on request", async () => {
    const app = await startApp(() => CHALLENGED);
    await problemOf(app.fetchAsUser("/api/x"));
    const afterSignIn = app.reload();
    expect(await problemOf(afterSignIn("/api/x"))).toMatchObject({ code: "claims_challenge", claims: CLAIMS });
    expect(app.wentTo).toHaveLength(1);
  });
});

describe("a circle of sign-ins", () => {
  test("does not begin for a call that still fails after a sign-in, however long ago that was", async () => {
    const app = await startApp(() => CHALLENGED);
    for (let visit = 0; visit < 5; visit += 1) {
      await problemOf(app.reload()("/api/x"));
      app.pass(3_600_000);
    }
    expect(app.wentTo).toHaveLength(1);
  });

  test("does not begin if one call succeeds and another never does", async () => {
    const app = await startApp((path) => (path === "/api/good" ? OK : CHALLENGED));
    for (let visit = 0; visit < 5; visit += 1) {
      const fetchAsUser = app.reload();
      await fetchAsUser("/api/good");
      await problemOf(fetchAsUser("/api/bad"));
      app.pass(3_600_000);
    }
    expect(app.wentTo).toHaveLength(1);
  });

  test("does not begin if a call alternately succeeds and fails", async () => {
    let count = 0;
    const app = await startApp(() => (++count % 2 ? CHALLENGED : OK));
    for (let visit = 0; visit < 10; visit += 1)
      await app
        .reload()("/api/x")
        .catch(() => {});
    expect(app.wentTo).toHaveLength(1);
  });

  test("does not begin where the browser keeps nothing", async () => {
    const storage = (): never => {
      throw new DOMException("Blocked", "SecurityError");
    };
    const app = await startApp(() => CHALLENGED, { storage });
    expect(await problemOf(app.fetchAsUser("/api/x"))).toMatchObject({ code: "claims_challenge" });
    expect(app.wentTo).toEqual([]);
  });

  test("does not stop a call that has succeeded since from signing in again when the session ends", async () => {
    const app = await startApp(inTurn({ "/api/x": [CHALLENGED, OK, CHALLENGED] }));
    await problemOf(app.fetchAsUser("/api/x"));
    await app.reload()("/api/x");
    app.pass(61_000);
    await problemOf(app.reload()("/api/x"));
    expect(app.wentTo).toHaveLength(2);
  });

  test("does not begin with several sign-ins: simultaneous calls share one", async () => {
    const app = await startApp(() => CHALLENGED);
    await Promise.all(["/api/a", "/api/b", "/api/c"].map((path) => problemOf(app.fetchAsUser(path as "/"))));
    expect(app.wentTo).toHaveLength(1);
  });
});

describe("a service that asks to wait", () => {
  test("gets the call again after that time, of which the caller is told", async () => {
    const told: [number, string][] = [];
    const app = await startApp(inTurn({ "/api/x": [{ ...BUSY, retryAfter: "1" }, OK] }));
    const onWait = (seconds: number, { code }: Problem): void => void told.push([seconds, code]);
    expect((await app.fetchAsUser("/api/x", { onWait })).status).toBe(200);
    expect(told).toEqual([
      [1, "throttled"],
      [0, "throttled"],
    ]);
  });

  test("gets at most four requests", async () => {
    const app = await startApp(() => BUSY);
    expect(await problemOf(app.fetchAsUser("/api/x"))).toMatchObject({ code: "throttled", retryAfterSeconds: 0 });
    expect(app.asked).toHaveLength(4);
  });

  test.each([
    ["a time longer than a minute", "GET", { ...BUSY, retryAfter: "61" }],
    ["no time", "GET", { status: 503, code: "throttled" }],
    ["a time that is none", "GET", { ...BUSY, retryAfter: "soon" }],
    ["a change, which may have been made", "POST", BUSY],
  ])("gets no second request for %s", async (_what, method, told) => {
    const app = await startApp(() => told);
    expect(await problemOf(app.fetchAsUser("/api/x", { method }))).toMatchObject({ code: "throttled" });
    expect(app.asked).toHaveLength(1);
  });

  test("is no longer waited for when the caller aborts", async () => {
    const stop = new AbortController();
    const app = await startApp(() => ({ ...BUSY, retryAfter: "60" }));
    const call = app.fetchAsUser("/api/x", { signal: stop.signal, onWait: () => stop.abort(new Error("enough")) });
    await expect(call).rejects.toThrow("enough");
    expect(app.asked).toHaveLength(1);
  });
});

describe("no answer", () => {
  test("from a server that is not there is a problem", async () => {
    const url = await unusedUrl();
    const app = await startApp(() => OK, { fetch: (path, init) => fetch(url + path, init) });
    expect(await problemOf(app.fetchAsUser("/api/x"))).toMatchObject({ status: 0, code: "unreachable" });
  });

  test("in time is a problem", async () => {
    const app = await startApp(() => new Promise(() => {}));
    expect(await problemOf(app.fetchAsUser("/api/x", { timeoutMs: 50 }))).toMatchObject({ code: "timed_out" });
  });

  test("because the caller aborted throws the caller's own reason", async () => {
    const app = await startApp(() => new Promise(() => {}));
    const signal = AbortSignal.abort(new Error("left"));
    await expect(app.fetchAsUser("/api/x", { signal })).rejects.toThrow("left");
  });

  test("to a renewal does not begin a sign-in", async () => {
    const app = await startApp((path, response) => {
      if (path !== "/.auth/refresh") return EXPIRED;
      response.destroy();
      return new Promise(() => {});
    });
    expect(await problemOf(app.fetchAsUser("/api/x"))).toMatchObject({ code: "unreachable" });
    expect(app.wentTo).toEqual([]);
  });
});

type Answerer = (path: string, response: ServerResponse) => Told | Promise<Told>;

interface App {
  readonly fetchAsUser: FetchAsUser;
  /** Returns the client of the page after a reload in the same tab. */
  readonly reload: () => FetchAsUser;
  /** Method, path and body of every request. */
  readonly asked: readonly string[];
  readonly headers: readonly IncomingMessage["headers"][];
  readonly wentTo: readonly string[];
  readonly pass: (ms: number) => void;
}

/** Starts a server with the given answers, and a tab of a browser that shows a page of it. */
async function startApp(answer: Answerer, changes: Partial<Browser> = {}): Promise<App> {
  const asked: string[] = [];
  const headers: IncomingMessage["headers"][] = [];
  const wentTo: string[] = [];
  const url = await serveBackend(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const path = request.url ?? "";
    asked.push([request.method, path, body].join(" ").trim());
    headers.push(request.headers);
    send(response, await answer(path, response));
  });
  let now = Date.now();
  const stored = new Map<string, string>();
  const storage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
  };
  const browser: Browser = {
    fetch: (path, init) => fetch(url + path, init),
    storage: () => storage,
    currentPath: () => PAGE,
    goTo: (address) => void wentTo.push(address),
    now: () => now,
    ...changes,
  };
  const pass = (ms: number): void => {
    now += ms;
  };
  const reload = (): FetchAsUser => createFetchAsUser(browser);
  return { fetchAsUser: reload(), reload, asked, headers, wentTo, pass };
}

function send(response: ServerResponse, { status, code, challenge, retryAfter }: Told): void {
  const headers = {
    ...(challenge !== undefined && { "www-authenticate": challenge }),
    ...(retryAfter !== undefined && { "retry-after": retryAfter }),
  };
  response.writeHead(status, headers).end(code && JSON.stringify({ code, title: code, detail: "" }));
}

/** Answers each path's answers in turn; the test fails when none are left. */
function inTurn(answers: Readonly<Record<string, Told[]>>): Answerer {
  return (path) => answers[path]?.shift() ?? { status: 500, code: "not_foreseen" };
}

async function problemOf(call: Promise<Response>): Promise<Problem> {
  const error = await call.then(
    () => undefined,
    (reason: RequestProblem) => reason,
  );
  if (!error?.problem) throw new Error("The call did not end in a problem", { cause: error });
  return error.problem;
}
