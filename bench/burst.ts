import { routeMicrosoftOrigins } from "easy-auth-local/parts";
import { createConfidentialClient } from "../src/entra/client.ts";
import { readSettings } from "../src/settings.ts";
import { acquire, createMsal } from "./msal.ts";
import { createOnBehalfOf, exchangeOf } from "./ours.ts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { tokenPosts } from "./token-posts.ts";
import { unsignedAssertion } from "./tokens.ts";
import { answerMessages } from "./worker.ts";

/** POSTs that reached the token endpoint. */
export interface BurstFigures {
  readonly ours: number;
  readonly msal: number;
}

const CALLS = 100;

/** Counts the token requests of equal cold calls at once, as a page sends them right after a sign-in. */
async function measureBurst({ fakeUrl }: { readonly fakeUrl: string }): Promise<BurstFigures> {
  routeMicrosoftOrigins({ entra: fakeUrl, graph: fakeUrl });
  const settings = readSettings(APP_ENVIRONMENT);
  const onBehalfOf = createOnBehalfOf(createConfidentialClient(settings), settings.tokenCacheBytes);
  const msal = createMsal();
  return {
    ours: await postsOf(fakeUrl, () => onBehalfOf.exchange({ ...exchangeOf(1), signal: new AbortController().signal })),
    msal: await postsOf(fakeUrl, () => acquire(msal, unsignedAssertion(1))),
  };
}

async function postsOf(fakeUrl: string, call: () => Promise<unknown>): Promise<number> {
  const before = await tokenPosts(fakeUrl);
  await Promise.all(Array.from({ length: CALLS }, call));
  return (await tokenPosts(fakeUrl)) - before;
}

answerMessages(measureBurst);
