import type { IncomingMessage } from "node:http";

const NAME_HEADER = "x-ms-client-principal-name";
const ID_HEADER = "x-ms-client-principal-id";

/** The part of the session that the page may know; null for values that Easy Auth did not send. */
export interface Session {
  /** Sign-in name. */
  readonly name: string | null;
  /** Object id. */
  readonly user: string | null;
}

/** Reads who is signed in from Easy Auth's headers. Does not verify them: nobody but Easy Auth can set them. */
export function sessionOf(request: IncomingMessage): Session {
  const name = request.headers[NAME_HEADER];
  return { name: name === undefined ? null : textOf(String(name)), user: userOf(request) ?? null };
}

/** Returns the object id of the signed-in user. */
export function userOf({ headers }: IncomingMessage): string | undefined {
  return headers[ID_HEADER] === undefined ? undefined : String(headers[ID_HEADER]);
}

/**
 * Decodes a header value, which Node reads as Latin-1. Names beyond ASCII come in UTF-8; bytes that are not UTF-8 stay
 * Latin-1.
 */
function textOf(header: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(header, "latin1"));
  } catch {
    return header;
  }
}
