import { app } from "@azure/functions";
import { SharedCache, type SharedStore } from "shared-token-cache";
import type { AppToken } from "../outgoing/renewed-token.ts";
import type { SharedCacheSettings } from "../settings/shared-cache.ts";
import { countDroppedWrite, countSharedLookup, observeSharedCache } from "../telemetry/telemetry.ts";

/** Audiences of this app's own token: https://learn.microsoft.com/azure/redis/entra-for-authentication */
const RESOURCES = { table: "https://storage.azure.com", redis: "https://redis.azure.com" } as const;

/**
 * Opens the shared cache before the first request when a setting asks for one, and closes it when the app ends. A store
 * that cannot be reached does not stop the start.
 *
 * @param tokenFor makes a function that gives this app's own token for a resource
 * @returns the shared cache, once it is open
 */
export function startSharedCache(
  settings: SharedCacheSettings | undefined,
  tokenFor: (resource: string) => () => Promise<AppToken>,
): () => SharedCache | undefined {
  let shared: SharedCache | undefined;
  if (settings) {
    app.hook.appStart(async () => {
      const store = await openStore(settings, tokenFor(RESOURCES[settings.kind]));
      shared = new SharedCache(store, { observer: { lookup: countSharedLookup, droppedWrite: countDroppedWrite } });
      observeSharedCache(() => shared?.isSuspended ?? false);
    });
    app.hook.appTerminate(() => shared?.close());
  }
  return () => shared;
}

async function openStore({ kind, url }: SharedCacheSettings, token: () => Promise<AppToken>): Promise<SharedStore> {
  if (kind === "redis") {
    const { RedisStore } = await import("shared-token-cache/redis");
    // A server on this machine, which the settings allow without encryption, knows no identities.
    return new RedisStore(url, url.startsWith("rediss:") ? token : undefined);
  }
  const { TableStore } = await import("shared-token-cache/table");
  // Requested now, so that the first look-up does not wait for it. A failure shows in the look-ups.
  token().catch(() => {});
  return new TableStore(url, {
    getToken: async () => {
      const { accessToken, endsAt } = await token();
      return { token: accessToken, expiresOnTimestamp: endsAt };
    },
  });
}
