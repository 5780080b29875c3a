import type { IncomingHttpHeaders } from "node:http";
import type { Service } from "../faults/fault.ts";
import type { AnsweredRequest } from "../http/router.ts";

/** A request that Entra or Graph got, and what it answered. */
export interface RecordedRequest {
  readonly service: Service;
  readonly method: string;
  readonly url: URL;
  /** Headers by lower-case name. */
  readonly headers: IncomingHttpHeaders;
  /** A form or JSON as an object, anything else as text; undefined without a body. */
  readonly body: unknown;
  readonly status: number;
  /** The answer's body, decoded like `body`. */
  readonly answer: unknown;
}

/** Decodes what the emulators' routers tell. */
export function recordRequest(service: Service, { request, reply }: AnsweredRequest): RecordedRequest {
  const { method, url, headers, form, body } = request;
  const isForm = form.size > 0;
  return {
    ...{ service, method, url, headers, status: reply.status },
    body: isForm ? Object.fromEntries(form) : decode(body),
    answer: decode(Buffer.from(reply.body ?? "").toString()),
  };
}

function decode(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
