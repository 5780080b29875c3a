import { randomUUID } from "node:crypto";
import type http from "node:http";
import { pipeline, Readable } from "node:stream";

/** An answer that is not Azurite's. */
export interface Answer {
  readonly status: number;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Readable;
}

/** Makes an error answer of Storage: https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2 */
export function storageError(
  status: number,
  code: string,
  headers: http.OutgoingHttpHeaders = {},
  message = "The emulator was told to answer so.",
): Answer {
  const id = randomUUID();
  const text = `${message}\nRequestId:${id}\nTime:${new Date().toISOString()}`;
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${text}</Message></Error>`;
  const ids = { "content-type": "application/xml", "x-ms-error-code": code, "x-ms-request-id": id };
  return { status, headers: { ...ids, ...headers }, body };
}

/** Sends an answer. A body that fails closes the connection. */
export function answerWith(response: http.ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers);
  if (body instanceof Readable) pipeline(body, response, () => {});
  else response.end(body);
}
