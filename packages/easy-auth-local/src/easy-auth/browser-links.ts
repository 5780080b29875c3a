import type http from "node:http";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { CLOUDS } from "../directory/clouds.ts";

/**
 * Replaces the addresses at Entra in a problem (RFC 9457) with `browserOrigin`'s, so that a link such as
 * `adminConsentUrl` works in the browser. Azure's Easy Auth leaves answers alone: there, Entra is where its name says.
 * Call it before the answer's headers are read and its body is piped on.
 */
export function replaceLinks(answer: http.IncomingMessage, browserOrigin: string): void {
  const { "content-type": type = "", "content-encoding": encoding } = answer.headers;
  if (!/^application\/problem\+json\b/i.test(type) || encoding !== undefined) return;
  delete answer.headers["content-length"];
  answer.pipe = (destination) => {
    const replaced = async function* (source: AsyncIterable<Buffer>) {
      const from = (told: string, { authorityOrigin }: (typeof CLOUDS)[number]) =>
        told.replaceAll(`${authorityOrigin}/`, `${browserOrigin}/`);
      yield CLOUDS.reduce(from, await text(source));
    };
    // An answer that breaks off ends the destination too.
    pipeline(answer, replaced, destination).catch(() => {});
    return destination;
  };
}
