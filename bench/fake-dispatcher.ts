import { createSigningKeys } from "easy-auth-local/parts";
import type { Dispatcher } from "undici";
import { PROFILE, PROFILE_HEADERS } from "./profile.ts";
import { assertionClaims, tokenAnswer } from "./tokens.ts";

/** Keys under which undici keeps its global dispatcher, shared by all copies of undici in a process. */
const GLOBAL_DISPATCHERS = ["undici.globalDispatcher.1", "undici.globalDispatcher.2"];

const PROFILE_ANSWER = {
  headers: Object.entries(PROFILE_HEADERS)
    .flat()
    .map((text) => Buffer.from(text)),
  body: PROFILE,
};

/** Fake Entra and Graph in this process, without sockets. */
export interface FakeDispatcher {
  readonly assertions: readonly string[];
  /** Number of exchanges so far. */
  exchanges(): number;
}

/**
 * Answers every undici request of this process, one turn of the event loop later, with bytes made beforehand. Call it
 * before undici is loaded.
 */
export async function answerInProcess(users: number): Promise<FakeDispatcher> {
  const keys = await createSigningKeys();
  let exchanges = 0;
  const answerTo = ({ origin, path: pathAndQuery, body }: Dispatcher.DispatchOptions) => {
    const [path = ""] = pathAndQuery.split("?", 1);
    if (path === "/v1.0/me") return PROFILE_ANSWER;
    if (path.endsWith("/discovery/v2.0/keys")) return jsonAnswer(keys.jwks);
    if (!path.endsWith("/oauth2/v2.0/token")) throw new Error(`Nobody answers ${origin}${path}.`);
    exchanges += 1;
    return jsonAnswer(tokenAnswer(new URLSearchParams(String(body)).get("assertion") ?? ""));
  };
  const dispatch = (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => {
    const { headers, body } = answerTo(options);
    handler.onConnect?.(() => {});
    setImmediate(() => {
      handler.onHeaders?.(200, headers, () => {}, "OK");
      handler.onData?.(body);
      handler.onComplete?.([]);
    });
    return true;
  };
  for (const name of GLOBAL_DISPATCHERS) Reflect.set(globalThis, Symbol.for(name), { dispatch });
  const assertions = await Promise.all(
    Array.from({ length: users }, (_, user) => keys.sign({ ...assertionClaims(user) })),
  );
  return { assertions, exchanges: () => exchanges };
}

function jsonAnswer(value: unknown): typeof PROFILE_ANSWER {
  const headers = ["content-type", "application/json"].map((text) => Buffer.from(text));
  return { headers, body: Buffer.from(JSON.stringify(value)) };
}
