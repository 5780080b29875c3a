import { type ErrorCode, PROBLEMS } from "../../src/errors.ts";
import DETAILS from "../../src/http/problem-details.json" with { type: "json" };

const CODES = Object.keys(PROBLEMS) as ErrorCode[];
const statusOf = (code: ErrorCode): number => PROBLEMS[code].status;
const STATUSES = [...new Set(CODES.map(statusOf))].sort();

/** The body of every failure: docs/errors.md. */
export const PROBLEM = {
  title: "Problem",
  description: "A failure, as https://www.rfc-editor.org/rfc/rfc9457 says.",
  type: "object",
  required: ["type", "title", "status", "detail", "code", "correlationId"],
  properties: {
    type: { type: "string", format: "uri", description: "Address of a page about the code." },
    title: { type: "string" },
    status: { type: "integer", enum: STATUSES },
    detail: { type: "string", description: "What happened and what to do, for the user." },
    code: { type: "string", enum: CODES, description: "Stable: switch on it, not on the words." },
    correlationId: { type: "string", description: "Id of the request in the logs here, of Entra and of Graph." },
    retryAfter: { type: "integer", minimum: 0, description: "Seconds, wherever the header Retry-After is." },
    claims: { type: "string", description: "With claims_challenge: JSON that the next sign-in asks for." },
    resource: { type: "string", description: "With consent_required: the service whose consent is missing." },
    adminConsentUrl: {
      type: "string",
      format: "uri",
      description: "With consent_required: where an administrator grants consent.",
    },
  },
} as const;

const header = (description: string, schema: object = { type: "string" }) => ({ description, required: true, schema });

export const HEADERS = {
  "x-correlation-id": { ...header("Id of the request in the logs here, of Entra and of Graph."), required: false },
  "www-authenticate": header("Bearer challenge. With claims_challenge it holds the claims, in base64."),
  "retry-after": header("Seconds.", { type: "integer", minimum: 0 }),
  "content-range": header("Length of the whole: `bytes */2514`; with 206 the part too: `bytes 0-99/2514`."),
  etag: header("Strong validator of this version, for If-None-Match and If-Range."),
  "accept-ranges": header("bytes: parts can be asked for."),
  location: header("Where the answer is.", { type: "string", format: "uri" }),
} as const;

/** Returns headers of an answer by name, each with the description that all answers share. */
export function headersNamed(...names: readonly (keyof typeof HEADERS)[]): object {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** Headers of some failures beside the correlation id, and the members that their bodies always have. */
const SPECIALS: Readonly<Record<number, { headers: readonly (keyof typeof HEADERS)[]; members: readonly string[] }>> = {
  401: { headers: ["www-authenticate"], members: [] },
  503: { headers: ["retry-after"], members: ["retryAfter"] },
};

/** Response Objects of all failures, by the name that `problemResponses` refers to. */
export const PROBLEM_RESPONSES = Object.fromEntries(STATUSES.map((status) => [`Problem${status}`, responseOf(status)]));

function responseOf(status: number): object {
  const codes = CODES.filter((code) => statusOf(code) === status);
  const { headers = [], members = [] } = SPECIALS[status] ?? {};
  const properties = { status: { const: status }, code: { enum: codes } };
  const schema = {
    allOf: [{ $ref: "#/components/schemas/Problem" }, { type: "object", required: members, properties }],
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${DETAILS[code]}`).join("\n\n"),
    headers: headersNamed("x-correlation-id", ...headers),
    content: { "application/problem+json": { schema } },
  };
}

/** Returns the failures with which an endpoint can answer, by status. `words` describes some of them more closely. */
export function problemResponses(
  codes: readonly ErrorCode[] = CODES,
  words: Readonly<Partial<Record<ErrorCode, string>>> = {},
): Readonly<Record<number, object>> {
  const statuses = [...new Set(codes.map(statusOf))];
  return Object.fromEntries(
    statuses.map((status) => {
      const said = CODES.filter((code) => statusOf(code) === status && words[code]).map((code) => words[code]);
      return [
        status,
        { $ref: `#/components/responses/Problem${status}`, ...(said[0] && { description: said.join(" ") }) },
      ];
    }),
  );
}
