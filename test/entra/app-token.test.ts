import { describe, expect, test } from "vitest";
import { createAppToken, createConfidentialClient } from "../../src/entra/client.ts";
import { readSettings } from "../../src/settings.ts";
import { ENVIRONMENT, exchangeOf, onBehalfOfAt, startTokenEndpoint, succeed } from "../support/exchange.ts";

describe("this app's own token", () => {
  test("is the app registration's if there is no managed identity; it is requested once and renewed 5 minutes before it expires", async () => {
    const forms: (string | null)[] = [];
    const entra = await startTokenEndpoint((_, response, __, form) => {
      forms.push(`${form.get("grant_type")} ${form.get("scope")}`);
      succeed(response, `token ${forms.length}`, forms.length === 1 ? 299 : 3600);
    });
    onBehalfOfAt(entra.url);
    const settings = readSettings(ENVIRONMENT);
    const token = createAppToken(settings, createConfidentialClient(settings), "https://storage.azure.com");
    const together = await Promise.all([token(), token()]);
    expect(together.map(({ accessToken }) => accessToken)).toEqual(["token 1", "token 1"]);
    expect((await token()).accessToken).toBe("token 2");
    expect((await token()).accessToken).toBe("token 2");
    expect(forms[0]).toMatch(/^client_credentials https:\/\/storage.azure.com\/.default/);
    expect(forms).toHaveLength(2);
  });

  test("is kept although MSAL's cache is emptied after each exchange", async () => {
    const entra = await startTokenEndpoint((_, response) => succeed(response, "token"));
    const settings = readSettings(ENVIRONMENT);
    const client = createConfidentialClient(settings);
    const onBehalfOf = onBehalfOfAt(entra.url, { client });
    const token = createAppToken(settings, client, "https://storage.azure.com");
    await token();
    await onBehalfOf.exchange(exchangeOf("adele"));
    await token();
    expect(entra.asked).toHaveLength(2);
  });
});
