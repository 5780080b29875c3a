import { readFileSync } from "node:fs";
import pLimit from "p-limit";
import { describe, expect, test } from "vitest";
import { serve, writeFolder } from "./fixture-app.ts";
import { type Recorded, type RecordedConversation, readRecorded } from "./recorded/answers.ts";
import { converse } from "./recorded/converse.ts";
import { OWN_LIBRARY } from "./streaming-app.ts";

const METHODS = "Node's parser knows methods by name, in upper case";
const SMUGGLING = "Node's parser refuses what could hide a second request";

/** Conversations in which this host differs from the real one, each with the reason. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "unknown method FOO": METHODS,
  "lower-case get": METHODS,
  CONNECT: "Node ends a connection that asks to be a tunnel",
  "header with DEL": "Node's parser refuses control characters in a header",
  "bare LF": SMUGGLING,
  "length and chunked": SMUGGLING,
  "length too small": "the byte too much cannot begin a request, so Node ends the connection after the answer",
  "expect, unknown route": "Node ends the connection after the answer, as the body may or may not come",
  "other Host": "this host answers on loopback's names only, so that no page on the web reaches it",
};

/** host.json of the recorded app without its limits of concurrent requests, since all are sent in parallel here. */
const HOST_JSON = {
  version: "2.0",
  functionTimeout: "00:00:03",
  extensions: {
    http: {
      routePrefix: "v1/x",
      hsts: { isEnabled: true, maxAge: "10" },
      customHeaders: { "X-Frame-Options": "DENY" },
    },
  },
};
const AT_A_TIME = 16;

const conversations = readRecorded();

async function carryOnAll(mode: "rpc" | "streaming"): Promise<Map<string, Recorded>> {
  const source = readFileSync(new URL("./recorded/app.cjs", import.meta.url), "utf8");
  const appRoot = writeFolder({
    "functions.cjs": OWN_LIBRARY ?? "",
    "main.cjs": source.replace("@azure/functions", "./functions.cjs"),
    "package.json": { main: "main.cjs" },
    "host.json": HOST_JSON,
  });
  const { url } = await serve(appRoot, { settings: { STREAM: mode === "streaming" ? "1" : "" } });
  const limit = pLimit(AT_A_TIME);
  const carryOn = async (one: RecordedConversation) =>
    [one.name, await converse(Number(new URL(url).port), one, one[mode])] as const;
  return new Map(await Promise.all(conversations.map((one) => limit(() => carryOn(one)))));
}

describe.each(["rpc", "streaming"] as const)("%s: what the real host answered was recorded; this host", (mode) => {
  test(`answers ${conversations.length - Object.keys(DIFFERENT).length} of ${conversations.length} conversations alike`, async () => {
    const answers = await carryOnAll(mode);
    const [alike, others] = [true, false].map((isAlike) =>
      conversations.filter(({ name }) => name in DIFFERENT !== isAlike),
    );
    const expected = new Map(alike?.map((one) => [one.name, one[mode]]));
    expect(new Map([...answers].filter(([name]) => expected.has(name)))).toEqual(expected);
    for (const one of others ?? []) expect(answers.get(one.name), `${one.name} is alike`).not.toEqual(one[mode]);
  });
});
