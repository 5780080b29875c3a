import { AppError, loggableWord } from "../errors.ts";
import { retryAfterOf } from "../outgoing/send.ts";

/** A failed answer of a service behind this API. */
export interface Refusal {
  readonly status: number;
  /** Name of the service, for the log. */
  readonly service: string;
  /** The service's own error code and id of the request, logged when they are single words. */
  readonly code?: unknown;
  readonly requestId?: unknown;
  readonly retryAfter?: unknown;
  /** JSON of the claims request in its challenge. */
  readonly claims?: string | undefined;
  readonly authorizationUri?: string;
}

/** Returns the failure whose code fits the status. Leaves the service's own words out: they may be about the user. */
export function downstreamFailure(refusal: Refusal): AppError {
  const { status, service, code, requestId, retryAfter, claims, authorizationUri } = refusal;
  const hint = `${service}: ${[status, loggableWord(code)].filter(Boolean).join(", ")}`;
  const options = { hint, serviceRequestId: loggableWord(requestId) };
  if (claims !== undefined) return new AppError("claims_challenge", { ...options, claims, authorizationUri });
  if (status === 400 || status === 422)
    return new AppError("invalid_request", { ...options, detail: invalidDetail(code) });
  if (status === 403) return new AppError("downstream_forbidden", options);
  if (status === 409) return new AppError("conflict", { ...options, ...(code === "BlobArchived" && ARCHIVED) });
  if (status === 404 || status === 410) return new AppError("not_found", options);
  if (status === 412 || status === 428) return new AppError("precondition_failed", options);
  if (status === 416) return new AppError("range_not_satisfiable", options);
  if (status === 504) return new AppError("downstream_timeout", options);
  if (status !== 429 && status !== 503) return new AppError("downstream_failed", options);
  return new AppError("throttled", { ...options, retryAfterSeconds: retryAfterOf(retryAfter) });
}

/** Text about a file in the archive tier: https://learn.microsoft.com/azure/storage/blobs/archive-rehydrate-overview */
export const ARCHIVED = {
  detail:
    "This file is archived. Whoever looks after it has to rehydrate it, which takes hours, before it can be read.",
};

/** Returns the text about a request that a service finds invalid. Of the service's own words, it shows the code alone. */
function invalidDetail(code: unknown): string {
  const word = loggableWord(code);
  const named = word === undefined ? "" : ` (${word})`;
  return `The service behind this API takes no such request${named}: a value in it is not one that the service knows or allows.`;
}
