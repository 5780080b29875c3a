import { channel } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import { API, FRONTEND } from "../packages/easy-auth-local/src/directory/directory.ts";
import { STORAGE } from "../packages/easy-auth-local/src/storage/access.ts";
import { startStack } from "../packages/easy-auth-local/src/test-kit/stack.ts";

/** Storage that nobody asks: its settings turn streaming on, for all functions. */
const FILES = { STORAGE_ACCOUNT_URL: "https://files.blob.core.windows.net", STORAGE_CONTAINER: "documents" };

/** Differ from one answer to the next, or say how it is carried. */
const CARRIAGE = ["date", "x-correlation-id", "x-ms-invocation-id", "content-length", "transfer-encoding"];

/** What a stack, or a request, has of its own: ports and ids. */
const OWN = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}|localhost:\d+/g;

const CHANNELS = ["http.server.request.start", "tracing:net.server.listen:asyncStart"];

const REQUESTS: readonly (readonly [path: string, account?: string, init?: RequestInit])[] = [
  ["/api/health"],
  ["/api/errors"],
  ["/api/profile"],
  ["/api/profile", "works"],
  ["/api/profile", "works", { headers: { "if-none-match": '"1"', "x-forwarded-host": "elsewhere.example" } }],
  ["/api/profile?select=mail&select=id", "works"],
  ["/api/profile?select=nonsense", "works"],
  ["/api/profile?query=y&name=z&code=c", "works"],
  ["/api/profile", "many-groups"],
  ["/api/profile", "no-consent"],
  ["/api/profile", "works", { method: "POST", body: "{}" }],
  ["/api/photo", "works"],
  ["/api/photo?size=7", "works"],
  ["/api/photo?size=48&size=48", "works"],
  ["/api/photo?size=48", "sparse"],
  ["/api/nowhere", "works"],
];

interface Answer {
  readonly path: string;
  readonly account: string | undefined;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const stackWith = (settings: Readonly<Record<string, string>>) =>
  startStack({ registrations: [API, FRONTEND, STORAGE], settings });

async function answersOf(settings: Readonly<Record<string, string>>): Promise<readonly Answer[]> {
  const stack = await stackWith(settings);
  const answers: Answer[] = [];
  for (const [path, account, init = {}] of REQUESTS) {
    const headers = new Headers(init.headers);
    if (account) headers.set("authorization", `Bearer ${await stack.token(account)}`);
    const response = await fetch(`${stack.apiUrl}${path}`, { ...init, headers });
    const kept = [...response.headers].filter(([name]) => !CARRIAGE.includes(name));
    const pairs = kept.map(([name, value]) => [name, value.replaceAll(OWN, "")]);
    const body = (await response.text()).replaceAll(OWN, "");
    answers.push({ path, account, status: response.status, headers: Object.fromEntries(pairs), body });
  }
  await stack.close();
  return answers;
}

test("every answer is the same with streaming on as it is with streaming off", async () => {
  const plain = await answersOf({});
  expect(new Set(plain.map(({ status }) => status))).toEqual(new Set([200, 400, 401, 403, 404]));
  expect(await answersOf(FILES)).toEqual(plain);
});

test("a query that takes the headers' place, as the host lets it, changes nothing about the user", async () => {
  const stack = await stackWith(FILES);
  const headers = { authorization: `Bearer ${await stack.token("works")}` };
  const another = JSON.stringify({ authorization: `Bearer ${await stack.token("sparse")}` });
  for (const query of ["x", "{}", another]) {
    const response = await fetch(`${stack.apiUrl}/api/profile?Headers=${encodeURIComponent(query)}`, { headers });
    expect([response.status, await response.json()]).toMatchObject([200, { displayName: "Adele Vance" }]);
  }
  expect((await fetch(`${stack.apiUrl}/api/profile?Headers=${encodeURIComponent(another)}`)).status).toBe(401);
});

test("a request that the library cannot read is answered, though no function is ever called with it", async () => {
  const stack = await stackWith({ ...FILES, REQUEST_TIMEOUT_MS: "100" });
  const headers = { authorization: `Bearer ${await stack.token("works")}` };
  const response = await fetch(`${stack.apiUrl}/api/profile?Headers=[1]`, { headers });
  expect(response.status).toBe(500);
  expect((await fetch(`${stack.apiUrl}/api/health`)).status).toBe(200);
});

test("an app that is stopped looks at no more requests, nor servers", async () => {
  const stack = await stackWith(FILES);
  const areWatched = () => CHANNELS.map((name) => channel(name).hasSubscribers);
  expect(areWatched()).toEqual([true, true]);
  await stack.close();
  expect(areWatched()).toEqual([false, false]);
});
