import { isLoopback, plainUrlOf } from "./values.ts";

/** Store in which instances share users' tokens. */
export interface SharedCacheSettings {
  readonly kind: "table" | "redis";
  /** Address of the store, without a slash at the end. */
  readonly url: string;
}

/** Host name of an account's tables, in any cloud. */
const TABLES = /^[a-z0-9]{3,24}(?:\.z\d+)?\.table\./;

/** Reads the setting that turns the shared cache on; undefined without it. Requires TLS, except for Redis on this machine. */
export function readSharedCache(value = "", problems: string[]): SharedCacheSettings | undefined {
  const text = value.trim();
  if (text === "") return undefined;
  const kind = kindOf(plainUrlOf(text));
  if (kind) return { kind, url: text.replace(/\/+$/, "") };
  problems.push(
    "SHARED_CACHE_URL is neither the address of Table storage nor of Azure Managed Redis. Use " +
      "https://<account>.table.core.windows.net or rediss://<name>.<region>.redis.azure.net:10000, without a password " +
      "(the app's identity needs a role there), or remove the setting.",
  );
  return undefined;
}

function kindOf(url: URL | undefined): SharedCacheSettings["kind"] | undefined {
  if (!url) return undefined;
  const { protocol, hostname, pathname, port } = url;
  const hasNoPath = pathname === "" || pathname === "/";
  // The app's own token is sent there: only to tables, or to an emulator on this machine.
  if (protocol === "https:") return (hasNoPath && TABLES.test(hostname)) || isLoopback(url) ? "table" : undefined;
  const isRedis = protocol === "rediss:" || (protocol === "redis:" && isLoopback(url));
  return isRedis && hasNoPath && hostname !== "" && port !== "" ? "redis" : undefined;
}
