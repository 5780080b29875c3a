import { routeMicrosoftOrigins } from "easy-auth-local/parts";
import { createConfidentialClient } from "../src/entra/client.ts";
import { readSettings } from "../src/settings.ts";
import { acquire, createMsal, seed } from "./msal.ts";
import { createOnBehalfOf, exchangeOf } from "./ours.ts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { median } from "./statistics.ts";
import { unsignedAssertion } from "./tokens.ts";
import { answerMessages } from "./worker.ts";

/** Microseconds of an exchange that is not cached, calls one after the other, the fake's answer included. */
export interface ExchangeFigures {
  readonly ours: Record<string, number>;
  readonly msal: Record<string, number>;
}

interface ExchangeOptions {
  readonly fakeUrl: string;
  readonly calls: number;
}

const FEW = 1;
const MANY = 1000;

/** Measures exchanges with one user cached, and with a thousand. */
async function measureExchange({ fakeUrl, calls }: ExchangeOptions): Promise<ExchangeFigures> {
  routeMicrosoftOrigins({ entra: fakeUrl, graph: fakeUrl });
  const msal = createMsal();
  const oursWithFew = await oursAt(FEW, calls);
  const oursWithMany = await oursAt(MANY, calls);
  const msalWithFew = await timed(
    calls,
    (user) => acquire(msal, unsignedAssertion(user)),
    () => msal.clearCache(),
  );
  await seed(
    msal,
    Array.from({ length: MANY }, (_, user) => unsignedAssertion(user)),
  );
  // Each call adds a user; too few to change the result.
  const msalWithMany = await timed(Math.ceil(calls / 10), (user) => acquire(msal, unsignedAssertion(MANY + user)));
  return {
    ours: { [FEW]: oursWithFew, [MANY]: oursWithMany },
    msal: { [FEW]: msalWithFew, [MANY]: msalWithMany },
  };
}

async function oursAt(users: number, calls: number): Promise<number> {
  const settings = readSettings(APP_ENVIRONMENT);
  const onBehalfOf = createOnBehalfOf(createConfidentialClient(settings), settings.tokenCacheBytes);
  for (let user = 0; user < users; user += 1) await onBehalfOf.exchange(exchangeOf(user));
  return timed(calls, (user) => onBehalfOf.exchange(exchangeOf(users + user)));
}

/** Returns the median time of a call in microseconds. The first half of the calls is warm-up. */
async function timed(calls: number, call: (user: number) => Promise<unknown>, after = () => {}): Promise<number> {
  const samples: number[] = [];
  for (let user = 0; user < calls * 2; user += 1) {
    const start = performance.now();
    await call(user);
    samples.push((performance.now() - start) * 1000);
    after();
  }
  return median(samples.slice(calls));
}

answerMessages(measureExchange);
