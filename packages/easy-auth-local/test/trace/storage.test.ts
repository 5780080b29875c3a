import { beforeAll, expect, test, vi } from "vitest";
import { startStack, type TestStack } from "../../../../test/support/stack.ts";
import type { Trace } from "../../src/trace/hop.ts";

let stack: TestStack;
const settled: Trace[] = [];
beforeAll(async () => {
  const files = [{ name: "one.txt", content: "one" }];
  stack = await startStack({ files, onTrace: (trace) => settled.push(trace) });
}, 60_000);

/** Returns the hops of a request for files, except those that fetch keys. */
async function hopsOf(path: string, account: string) {
  const authorization = `Bearer ${await stack.token(account)}`;
  const response = await fetch(`${stack.apiUrl}${path}`, { headers: { authorization } });
  await response.arrayBuffer();
  const isIt = ({ hops }: Trace) => hops[0]?.path === path && hops.some(({ station }) => station === "Storage");
  await vi.waitFor(() => expect(settled.some(isIt)).toBe(true));
  const { hops } = settled.findLast(isIt) as Trace;
  return hops.filter(({ station, method }) => station !== "Entra" || method !== "GET");
}

test("a function's request to Storage is a hop of its trace, with the token it sends", async () => {
  const hops = await hopsOf("/api/files", "works");
  expect(hops.map(({ depth, sender, station, status }) => `${depth} ${sender} → ${station} ${status}`)).toEqual([
    "0 client → API gate 200",
    "1 API gate → function 200",
    "2 function → Entra 200",
    "2 function → Storage 200",
  ]);
  const [token] = hops.at(-1)?.tokens ?? [];
  expect(token).toMatchObject({ where: "Authorization", claims: { aud: "https://storage.azure.com" } });
  expect(hops.at(-1)?.path).toBe("/devstoreaccount1/documents?comp=list&maxresults=100&restype=container");
});

test("a refusal by Storage is shown with Storage's code and text, without its ids", async () => {
  const hops = await hopsOf("/api/files", "no-role");
  expect(hops.at(-1)).toMatchObject({
    station: "Storage",
    status: 403,
    failure: {
      code: "AuthorizationPermissionMismatch",
      text: "This request is not authorized to perform this operation using this permission.",
    },
  });
});

test("a refused HEAD, whose answer has no body, is described by its status", async () => {
  const hops = await hopsOf("/api/files/nothing.txt", "works");
  const failed = hops.filter(({ station, status }) => station === "Storage" && status === 404);
  expect(failed).toMatchObject([{ failure: { code: "404" } }]);
});
