import { setTimeout as sleep } from "node:timers/promises";
import { TokenEndpointError } from "../entra/msal-network.ts";

const RETRY_DELAY_MS = 100;

/** Asks once more when the connection failed or the answering side did (5xx), after a moment that differs from caller to caller. */
export async function askTwice<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof TokenEndpointError && error.mayPass)) throw error;
    await sleep(RETRY_DELAY_MS * (1 + Math.random()));
    return ask();
  }
}
