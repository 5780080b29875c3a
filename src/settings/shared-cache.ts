/** Where instances share users' tokens. */
export interface SharedCacheSettings {
  readonly kind: "table" | "redis";
  /** Without a slash at the end. */
  readonly url: string;
}

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);
/** Host name of an account's tables, in any cloud. */
const TABLES = /^[a-z0-9]{3,24}(?:\.z\d+)?\.table\./;

/** Reads the setting that turns the shared cache on; undefined without it. Encrypted connections alone, except on this machine. */
export function readSharedCache(value = "", problems: string[]): SharedCacheSettings | undefined {
  const text = value.trim();
  if (text === "") return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  const kind = isPlain ? kindOf(url) : undefined;
  if (kind) return { kind, url: text.replace(/\/+$/, "") };
  problems.push(
    "SHARED_CACHE_URL is neither the address of Table storage nor of Azure Managed Redis. Use " +
      "https://<account>.table.core.windows.net or rediss://<name>.<region>.redis.azure.net:10000, without a password " +
      "(the app's identity needs a role there), or remove the setting.",
  );
  return undefined;
}

function kindOf({ protocol, hostname, pathname, port }: URL): SharedCacheSettings["kind"] | undefined {
  const hasNoPath = pathname === "" || pathname === "/";
  // The app's own token goes there: to nothing but tables, or an emulator on this machine.
  if (protocol === "https:")
    return (hasNoPath && TABLES.test(hostname)) || LOOPBACK.has(hostname) ? "table" : undefined;
  const isRedis = protocol === "rediss:" || (protocol === "redis:" && LOOPBACK.has(hostname));
  return isRedis && hasNoPath && hostname !== "" && port !== "" ? "redis" : undefined;
}
