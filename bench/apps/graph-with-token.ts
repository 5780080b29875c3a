import { hash } from "node:crypto";
import { request } from "undici";
import { graphToken } from "../tokens.ts";

const ME = "https://graph.microsoft.com/v1.0/me";
const BEARER_LENGTH = "Bearer ".length;

const graphTokens = new Map<string, string>();

/** Does the least there is to do: hashes the assertion, looks its token up, asks Graph with it. */
export async function profileOf(authorization: string): Promise<unknown> {
  const { body } = await request(ME, { headers: { authorization: `Bearer ${tokenFor(authorization)}` } });
  return body.json();
}

/** Does the same with Node's built-in `fetch`. */
export async function profileByFetch(authorization: string): Promise<unknown> {
  const response = await fetch(ME, { headers: { authorization: `Bearer ${tokenFor(authorization)}` } });
  return response.json();
}

function tokenFor(authorization: string): string {
  const key = hash("sha256", authorization.slice(BEARER_LENGTH), "base64url");
  const known = graphTokens.get(key);
  if (known !== undefined) return known;
  const made = graphToken(graphTokens.size);
  graphTokens.set(key, made);
  return made;
}
