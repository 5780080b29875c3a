// @ts-check
import { setTimeout } from "node:timers/promises";
import { HookError, runHook } from "./azure-cli.mjs";

const REQUEST_TIMEOUT_MS = 20_000;
const PAUSE_MS = 5_000;
/** Settings and code take effect within minutes; `SMOKE_TIMEOUT_SECONDS` sets how long to wait for them. */
const TIMEOUT_SECONDS = Number(process.env.SMOKE_TIMEOUT_SECONDS || 300);

/**
 * @typedef {object} Expectation
 * @property {string} url
 * @property {string} what description for the terminal
 * @property {(response: Response) => boolean} holds
 */

/** Checks the deployed apps from outside. */
await runHook(async (say) => {
  const until = Date.now() + TIMEOUT_SECONDS * 1000;
  const { API_URL = "", FRONTEND_URL = "", LOGIN_URL = "", NETWORK_MODE } = process.env;
  if (NETWORK_MODE === "full") say("The API is private: it is not checked from here.");
  else for (const expectation of apiExpectations(API_URL)) await expect(expectation, until, say);
  for (const expectation of frontendExpectations(FRONTEND_URL, LOGIN_URL)) await expect(expectation, until, say);
  say(`Open ${FRONTEND_URL}`);
});

/**
 * @param {string} url
 * @returns {Expectation[]}
 */
function apiExpectations(url) {
  return [
    { url: `${url}/api/health`, what: "the API is healthy", holds: ({ status }) => status === 200 },
    {
      url: `${url}/api/profile`,
      what: "the API answers 401 to a request without a token",
      holds: ({ status }) => {
        if (status < 400)
          throw new HookError(
            `${url}/api/profile answered ${status} to a request WITHOUT a token. Stop the app: az functionapp stop`,
          );
        return status === 401;
      },
    },
  ];
}

/**
 * @param {string} url
 * @param {string} login
 * @returns {Expectation[]}
 */
function frontendExpectations(url, login) {
  return [
    { url: `${url}/health`, what: "the frontend is healthy", holds: ({ status }) => status === 200 },
    {
      url: `${url}/`,
      what: "the frontend begins a sign-in",
      holds: ({ headers }) => (headers.get("location") ?? "").startsWith(`${login}/`),
    },
  ];
}

/**
 * @param {Expectation} expectation
 * @param {number} until
 * @param {(line: string) => void} say
 */
async function expect({ url, what, holds }, until, say) {
  for (;;) {
    const answer = await ask(url);
    if (typeof answer !== "string" && holds(answer)) return say(`ok: ${what}`);
    if (Date.now() + PAUSE_MS > until) {
      const got = typeof answer === "string" ? answer : `status ${answer.status}`;
      throw new HookError(`Not so: ${what}. GET ${url}: ${got}. docs/deploy.md lists causes by symptom.`);
    }
    await setTimeout(PAUSE_MS);
  }
}

/**
 * Resolves to the answer, or to the reason why there is none.
 *
 * @param {string} url
 */
async function ask(url) {
  try {
    // Without a browser's headers, Easy Auth answers 401 where it would redirect.
    const headers = { accept: "text/html", "user-agent": "Mozilla/5.0 (deployment check)" };
    const response = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    await response.body?.cancel();
    return response;
  } catch (error) {
    const { cause, message } = /** @type {Error & { cause?: { code?: string; message?: string } }} */ (error);
    return cause?.code ?? cause?.message ?? message;
  }
}
