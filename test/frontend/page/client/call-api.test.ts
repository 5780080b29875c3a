import { expect, test } from "vitest";
import { createCallApi } from "../../../../frontend/page/client/call-api.ts";
import type { FetchAsUser } from "../../../../frontend/page/client/fetch-as-user.ts";

/** Types in the form that openapi-typescript writes. */
interface Orders {
  readonly "/api/orders/{id}": {
    readonly get: {
      readonly parameters: { readonly query?: never; readonly path: { readonly id: string } };
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": { readonly id: string } } };
      };
    };
    readonly put: {
      readonly parameters: { readonly query?: { readonly note?: string }; readonly path: { readonly id: string } };
      readonly requestBody: { readonly content: { readonly "application/json": { readonly count: number } } };
      readonly responses: { readonly 204: { readonly content?: never } };
    };
    readonly post?: never;
  };
}

function recording(body: unknown = {}): { fetchAsUser: FetchAsUser; calls: unknown[] } {
  const calls: unknown[] = [];
  const fetchAsUser: FetchAsUser = async (path, { headers, ...options } = {}) => {
    calls.push({ path, ...options, headers: Object.fromEntries(new Headers(headers)) });
    return Response.json(body);
  };
  return { fetchAsUser, calls };
}

test("a call has the address and body that follow from its parameters", async () => {
  const { fetchAsUser, calls } = recording();
  const callApi = createCallApi<Orders>(fetchAsUser);
  const headers = { "if-match": "*" };
  await callApi("PUT", "/api/orders/{id}", {
    path: { id: "a/b ä" },
    query: { note: "x&y" },
    json: { count: 2 },
    headers,
  });
  await callApi("GET", "/api/orders/{id}", { path: { id: "1" }, timeoutMs: 5 });
  expect(calls).toEqual([
    {
      path: "/api/orders/a%2Fb%20%C3%A4?note=x%26y",
      method: "PUT",
      headers: { "content-type": "application/json", "if-match": "*" },
      body: '{"count":2}',
    },
    { path: "/api/orders/1", method: "GET", headers: {}, timeoutMs: 5 },
  ]);
});

test.each(["", ".", ".."])("a call whose id is %j is not made: it would lead to another address", async (id) => {
  const { fetchAsUser, calls } = recording();
  const callApi = createCallApi<Orders>(fetchAsUser);
  await expect(callApi("GET", "/api/orders/{id}", { path: { id } })).rejects.toThrow(TypeError);
  expect(calls).toEqual([]);
});

test("the compiler checks the API's paths, parameters and answers", async () => {
  const { fetchAsUser } = recording({ displayName: "Ada", files: [] });
  const callApi = createCallApi(fetchAsUser);
  const profile = await (await callApi("GET", "/api/profile", { query: { select: "displayName" } })).json();
  const name: string | null | undefined = profile.displayName;
  expect(name).toBe("Ada");
  const { files } = await (await callApi("GET", "/api/files")).json();
  expect(files.map(({ size }: { readonly size: number }) => size)).toEqual([]);
  // @ts-expect-error There is no such route.
  await callApi("GET", "/api/profiles");
  // @ts-expect-error The route does not take this method.
  await callApi("POST", "/api/profile");
  // @ts-expect-error Photos come in some sizes only.
  await callApi("GET", "/api/photo", { query: { size: "121" } });
  // @ts-expect-error The path has a name in it.
  await callApi("GET", "/api/files/{name}").catch(() => {});
  // @ts-expect-error It has no such parameter.
  await callApi("GET", "/api/profile", { query: { selected: "mail" } });
});
