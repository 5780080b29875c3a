import { SharedCache } from "shared-token-cache";
import { describe, expect, test, vi } from "vitest";
import { exchangeOf, GRAPH_DEFAULT, onBehalfOfAt, refuse, startTokenEndpoint, succeed } from "../support/exchange.ts";
import { FakeStore } from "../support/fake-store.ts";

const failing = () => Promise.reject(new Error("connection reset"));

/** Returns another instance of the app with the same store. */
function instanceAt(url: string, store: FakeStore) {
  const shared = new SharedCache(store);
  return onBehalfOfAt(url, { shared: () => shared });
}

describe("an exchange of an app with a shared cache", () => {
  test("is made once for all instances", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, "token"));
    const store = new FakeStore();
    const exchange = exchangeOf("adele");
    expect((await instanceAt(entra.url, store).exchange(exchange)).accessToken).toBe("token");
    const second = instanceAt(entra.url, store);
    expect(await second.exchange(exchange)).toEqual({ user: exchange.user, accessToken: "token" });
    expect(entra.asked).toHaveLength(1);
  });

  test("looks into the store once, then into memory", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, "token"));
    const store = new FakeStore();
    await instanceAt(entra.url, store).exchange(exchangeOf("adele"));
    const second = instanceAt(entra.url, store);
    store.calls.length = 0;
    await Promise.all([second.exchange(exchangeOf("adele")), second.exchange(exchangeOf("adele"))]);
    await second.exchange(exchangeOf("adele"));
    expect(second.find("adele", [GRAPH_DEFAULT])?.accessToken).toBe("token");
    expect(store.calls).toEqual(["get"]);
  });

  test("takes the user from the verified assertion, never from the store", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, "token"));
    const store = new FakeStore();
    await instanceAt(entra.url, store).exchange(exchangeOf("adele"));
    const user = { ...exchangeOf("").user, objectId: "verified here" };
    expect((await instanceAt(entra.url, store).exchange(exchangeOf("adele", { user }))).user).toBe(user);
    expect(entra.asked).toHaveLength(1);
  });

  test("with claims does not read the store, but shares its token", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, `token ${entra.asked.length}`));
    const store = new FakeStore();
    const [first, second] = [instanceAt(entra.url, store), instanceAt(entra.url, store)];
    await first.exchange(exchangeOf("adele"));
    const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: "c1" } } });
    expect((await second.exchange(exchangeOf("adele", { claims }))).accessToken).toBe("token 2");
    const third = instanceAt(entra.url, store);
    expect((await third.exchange(exchangeOf("adele"))).accessToken).toBe("token 2");
  });

  test("is made again after a resource refused its token, and for the other instances too", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, `token ${entra.asked.length}`));
    const store = new FakeStore();
    const first = instanceAt(entra.url, store);
    await first.exchange(exchangeOf("adele"));
    first.forget(exchangeOf("adele"), "token 1");
    await vi.waitFor(() => expect(store.entries.size).toBe(0));
    expect((await instanceAt(entra.url, store).exchange(exchangeOf("adele"))).accessToken).toBe("token 2");
  });

  test("uses the token that another instance renewed, and does not delete it in place of the refused one", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, `token ${entra.asked.length}`));
    const store = new FakeStore();
    const [first, second] = [instanceAt(entra.url, store), instanceAt(entra.url, store)];
    for (const instance of [first, second]) await instance.exchange(exchangeOf("adele"));
    first.forget(exchangeOf("adele"), "token 1");
    expect((await first.exchange(exchangeOf("adele"))).accessToken).toBe("token 2");
    second.forget(exchangeOf("adele"), "token 1");
    expect((await second.exchange(exchangeOf("adele"))).accessToken).toBe("token 2");
    expect(entra.asked).toHaveLength(2);
  });

  test("is made without the store when the store fails", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, "token"));
    const store = new FakeStore();
    store.behave = failing;
    const instance = instanceAt(entra.url, store);
    expect((await instance.exchange(exchangeOf("adele"))).accessToken).toBe("token");
    instance.forget(exchangeOf("adele"), "token");
  });

  test("that Entra refuses writes nothing", async () => {
    const entra = await startTokenEndpoint((_, response) => refuse(response, 400, { error: "invalid_grant" }));
    const store = new FakeStore();
    await expect(instanceAt(entra.url, store).exchange(exchangeOf("adele"))).rejects.toThrow();
    expect(store.calls).toEqual(["get"]);
  });

  test("serves from the store while Entra asks to wait", async () => {
    const entra = await startTokenEndpoint((assertion, response) =>
      assertion === "adele" ? succeed(response, "token") : refuse(response, 429, {}, { "retry-after": "30" }),
    );
    const store = new FakeStore();
    await instanceAt(entra.url, store).exchange(exchangeOf("adele"));
    const second = instanceAt(entra.url, store);
    await expect(second.exchange(exchangeOf("diego"))).rejects.toMatchObject({ code: "throttled" });
    expect((await second.exchange(exchangeOf("adele"))).accessToken).toBe("token");
  });
});
