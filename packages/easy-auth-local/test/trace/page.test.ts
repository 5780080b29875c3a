import { beforeAll, describe, expect, test } from "vitest";
import { startStack, type TestStack } from "../../../../test/support/stack.ts";
import { API, FRONTEND, MICROSOFT_GRAPH, TENANT_ID } from "../../src/directory/directory.ts";
import type { Browser } from "../../src/test-kit/browser.ts";
import { actionsOf } from "../../src/trace/actions.ts";
import type { Trace } from "../../src/trace/hop.ts";

let stack: TestStack;
let browser: Browser;
beforeAll(async () => {
  stack = await startStack();
  browser = await stack.signIn("works");
  for (const path of ["/api/profile", "/assets/page.js", "/.auth/me", "/session"]) {
    await (await browser.fetch(path)).text();
  }
  const other = await stack.signIn("no-consent");
  await (await other.fetch("/api/profile")).text();
  await (await fetch(`${stack.apiUrl}/api/health`)).text();
});

/** Returns each request's line: the request and its user. */
async function lines(query = ""): Promise<string[]> {
  const html = await (await fetch(`${stack.entraUrl}/trace${query}`)).text();
  const summaries = [...html.matchAll(/<details class="trace"[^>]*>\s*<summary>(.*?)<\/summary>/gs)];
  return summaries.map(([, summary = ""]) => {
    const part = (name: string) => new RegExp(`class="${name}[^>]*>([^<]*)<`).exec(summary)?.[1] ?? "";
    return `${part("what")}: ${part("account")}`;
  });
}

describe("the user of a request", () => {
  test('is named if there is one, otherwise "nobody"', async () => {
    const shown = await lines("?assets=on");
    for (const path of ["/api/profile", "/assets/page.js", "/.auth/me", "/session"]) {
      expect(shown).toContain(`GET ${path}: works`);
    }
    expect(shown).toContain("GET /api/health: nobody signed in");
    expect(shown.filter((line) => line.startsWith("POST /") && line.endsWith("/sign-in: works"))).toHaveLength(1);
    expect(shown).toContainEqual(expect.stringMatching(/^GET \/.auth\/login\/aad\/callback.*: works$/));
  });
});

describe("the filters", () => {
  test("hide scripts, styles and pictures by default, and say how many are hidden", async () => {
    expect((await lines()).filter((line) => line.includes("/assets/"))).toEqual([]);
    expect((await lines("?assets=on")).filter((line) => line.includes("/assets/"))).not.toEqual([]);
    expect(await (await fetch(`${stack.entraUrl}/trace`)).text()).toMatch(/\d+ requests? (is|are) hidden/);
  });

  test("show only one user's requests", async () => {
    const shown = await lines("?user=no-consent");
    expect(shown).toContain("GET /api/profile: no-consent");
    expect(shown.filter((line) => !line.endsWith(": no-consent"))).toEqual([]);
  });

  test.each(["failed", "403"])("show only requests with the status %s", async (status) => {
    expect(await lines(`?status=${status}`)).toEqual(["GET /api/profile: no-consent"]);
  });

  test("offer the recorded users and statuses, and keep the choice", async () => {
    const html = await (await fetch(`${stack.entraUrl}/trace?user=works&status=%3Cb%3E&assets=on`)).text();
    for (const option of ["<option selected>works", "<option>no-consent", "<option>403", "<option>failed"]) {
      expect(html).toContain(option);
    }
    expect(html).toContain('name="assets" checked');
    expect(html).not.toContain("<b>");
  });
});

describe("the ids of the tenant, its apps and its users", () => {
  test("are shown with their names, except in claims", async () => {
    const html = await (await fetch(`${stack.entraUrl}/trace?assets=on`)).text();
    const told = html.replace(/<pre.*?<\/pre>/gs, "");
    for (const id of [
      TENANT_ID,
      API.clientId,
      FRONTEND.clientId,
      MICROSOFT_GRAPH,
      "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb",
    ]) {
      expect(told, id).not.toContain(id);
    }
    expect(told).toMatch(/Authorization: for API · about adele\.vance/);
    expect(told).toContain("/{tenant}/oauth2/v2.0/token");
  });
});

describe("an action", () => {
  const trace = (id: string, startedAt: number, durationMs: number, account?: string): Trace => {
    const base = { station: "frontend", sender: "browser", depth: 0, spanId: id, method: "GET", path: "/" } as const;
    return { id, account, hops: [{ ...base, startedAt, durationMs, tokens: [], notes: [], logs: [] }] };
  };
  const grouped = (...oldestFirst: Trace[]): string[] =>
    actionsOf([...oldestFirst].reverse(), ({ account }) => account).map(({ traces, user = "nobody" }) =>
      [user, ...traces.map(({ id }) => id)].join(" "),
    );

  test("consists of requests in quick succession, newest first", () => {
    expect(grouped(trace("a", 0, 100, "ada"), trace("b", 600, 50, "ada"), trace("c", 1700, 1, "ada"))).toEqual([
      "ada c",
      "ada b a",
    ]);
  });

  test("lasts as long as its longest request", () => {
    expect(grouped(trace("a", 0, 5000, "ada"), trace("b", 100, 1, "ada"), trace("c", 5500, 1, "ada"))).toEqual([
      "ada c b a",
    ]);
  });

  test("includes requests without a user, but never those of two users", () => {
    expect(grouped(trace("a", 0, 1), trace("b", 10, 1, "ada"), trace("c", 20, 1), trace("d", 30, 1, "bob"))).toEqual([
      "bob d",
      "ada c b a",
    ]);
  });
});
