import { routeMicrosoftOrigins, startFunctionsHost } from "easy-auth-local/parts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { answerMessages } from "./worker.ts";

export interface InstanceOptions {
  readonly fakeUrl: string;
  /** Folder of the built app. */
  readonly appRoot: string;
  /** Value of SHARED_CACHE_URL; empty for none. */
  readonly sharedCache: string;
}

/** Runs the built app in the embedded host, as one instance of several. Resolves to its address. */
async function start({ fakeUrl, appRoot, sharedCache }: InstanceOptions): Promise<string> {
  routeMicrosoftOrigins({ entra: fakeUrl, graph: fakeUrl });
  const settings = { ...APP_ENVIRONMENT, SHARED_CACHE_URL: sharedCache };
  return (await startFunctionsHost({ appRoot, settings })).url;
}

answerMessages<InstanceOptions>(start);
