import { hash } from "node:crypto";
import type { OnBehalfOf } from "../src/entra/on-behalf-of.ts";
import type { CachedToken } from "../src/entra/token-cache.ts";
import { acquire, createInProcessEndpoint, createMsal, seed } from "./msal.ts";
import { BYTES_PER_USER, createInstantClient, createOnBehalfOf, exchangeOf, verifiedUser } from "./ours.ts";
import { median } from "./statistics.ts";
import { authorizationOf, graphToken, unsignedAssertion } from "./tokens.ts";
import { answerMessages } from "./worker.ts";

/** `map` is the least there is to do, for comparison: a hash and a lookup in a Map. */
export type HitPeer = "ours" | "map" | "msal";

export interface HitOptions {
  readonly peer: HitPeer;
  /** Numbers of cached users. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** Timed calls in a round. A peer whose time grows with its users makes fewer, at least 3. */
  readonly callsPerRound: number;
}

/** Median microseconds of a cached exchange, by number of cached users. */
export type HitFigures = Record<string, number>;

interface Peer {
  readonly users: number;
  readonly callsPerRound: number;
  readonly samples: number[];
  /** Prepares a call that gets the user's token from the cache; only that call is timed. */
  prepare(user: number): () => Promise<unknown>;
  /** Throws if any call was not a hit. */
  check(): void;
}

const BATCH = 64;
const BEARER_LENGTH = "Bearer ".length;

/** Measures all sizes in turn, so that other load on the machine falls on all alike. */
async function measureHits({ peer, sizes, rounds, callsPerRound }: HitOptions): Promise<HitFigures> {
  const peers: Peer[] = [];
  for (const users of sizes) peers.push(await CREATE[peer](users, callsPerRound));
  for (const each of peers) await time(each);
  for (const each of peers) each.samples.length = 0;
  for (let round = 0; round < rounds; round += 1) for (const each of peers) await time(each);
  for (const each of peers) each.check();
  return Object.fromEntries(peers.map(({ users, samples }) => [users, median(samples)]));
}

/**
 * Times calls of random users. The header strings are fresh and made beforehand, as the HTTP server makes them before
 * the handler.
 */
async function time({ users, callsPerRound, samples, prepare }: Peer): Promise<void> {
  for (let done = 0; done < callsPerRound; done += BATCH) {
    const calls = Array.from({ length: Math.min(BATCH, callsPerRound - done) }, () =>
      prepare(Math.floor(Math.random() * users)),
    );
    for (const call of calls) {
      const start = performance.now();
      await call();
      samples.push((performance.now() - start) * 1000);
    }
  }
}

async function createOurs(users: number, callsPerRound: number): Promise<Peer> {
  let exchanges = 0;
  const client = createInstantClient();
  const counting = {
    ...client,
    acquireTokenOnBehalfOf: (request: Parameters<typeof client.acquireTokenOnBehalfOf>[0]) => {
      exchanges += 1;
      return client.acquireTokenOnBehalfOf(request);
    },
  };
  const onBehalfOf: OnBehalfOf = createOnBehalfOf(counting, (users + 100) * BYTES_PER_USER);
  const exchange = exchangeOf(0);
  for (let user = 0; user < users; user += 1) await onBehalfOf.exchange(exchangeOf(user));
  return {
    users,
    callsPerRound,
    samples: [],
    prepare(user) {
      const authorization = authorizationOf(unsignedAssertion(user));
      const { user: verified, scopes, correlationId, signal } = exchange;
      return () => {
        const assertion = authorization.slice(BEARER_LENGTH);
        return onBehalfOf.exchange({ assertion, user: verified, scopes, correlationId, signal });
      };
    },
    check() {
      if (exchanges !== users) throw new Error(`${exchanges} exchanges for ${users} users: not every call was a hit.`);
    },
  };
}

async function createMap(users: number, callsPerRound: number): Promise<Peer> {
  const tokens = new Map<string, CachedToken>();
  const keyOf = (assertion: string) => hash("sha256", assertion, "base64url");
  for (let user = 0; user < users; user += 1) {
    tokens.set(keyOf(unsignedAssertion(user)), { user: verifiedUser(user), accessToken: graphToken(user) });
  }
  const lookUp = async (assertion: string) => {
    const token = tokens.get(keyOf(assertion));
    if (!token || token.user.expiresAt * 1000 < Date.now()) throw new Error("A user is not there.");
    return token;
  };
  return {
    users,
    callsPerRound,
    samples: [],
    prepare(user) {
      const authorization = authorizationOf(unsignedAssertion(user));
      return () => lookUp(authorization.slice(BEARER_LENGTH));
    },
    check: () => {},
  };
}

async function createMsalPeer(users: number, callsPerRound: number): Promise<Peer> {
  const endpoint = createInProcessEndpoint();
  const client = createMsal(endpoint);
  await seed(
    client,
    Array.from({ length: users }, (_, user) => unsignedAssertion(user)),
  );
  return {
    users,
    callsPerRound: Math.max(3, Math.min(callsPerRound, Math.floor(20_000 / users))),
    samples: [],
    prepare(user) {
      const authorization = authorizationOf(unsignedAssertion(user));
      return () => acquire(client, authorization.slice(BEARER_LENGTH));
    },
    check() {
      if (endpoint.posts !== 1) throw new Error(`${endpoint.posts} exchanges where one was expected.`);
    },
  };
}

const CREATE = { ours: createOurs, map: createMap, msal: createMsalPeer };

answerMessages(measureHits);
