import type { Failure } from "./hop.ts";
import { membersOf } from "./members.ts";
import { safeText } from "./secrets.ts";

/** Parts of an answer with a status from 400 on. */
export interface FailureAnswer {
  /** The value of `WWW-Authenticate`. */
  readonly challenge: unknown;
  /** Empty when it was long. */
  readonly body: string;
}

/**
 * Reads the reason of a failure from its answer: problem+json of the app, Entra's, Graph's or Storage's error, or a line
 * of text.
 */
export function failureIn(status: number, { challenge, body }: FailureAnswer): Failure {
  const inWords = failureInJson(body) ?? failureInXml(body);
  if (inWords) return inWords;
  const code = String(status);
  if (body !== "" && !/^[{[<]/.test(body)) return { code, text: safeText(body.trim()) };
  return { code, text: challenge === undefined ? undefined : `WWW-Authenticate: ${safeText(String(challenge))}` };
}

function failureInJson(body: string): Failure | undefined {
  const {
    code,
    detail,
    title,
    error,
    error_codes: numbers,
    error_description: description,
    suberror,
  } = membersOf(body);
  if (Array.isArray(numbers) && typeof numbers[0] === "number") {
    const kind = [error, suberror].filter((part) => typeof part === "string").join(", ");
    return { code: `AADSTS${numbers[0]}`, text: safeText(`${kind}: ${firstSentence(String(description ?? ""))}`) };
  }
  if (typeof error === "object" && error !== null) {
    const { code: graphCode, message } = error as Record<string, unknown>;
    return { code: safeText(String(graphCode)), text: message === undefined ? undefined : safeText(String(message)) };
  }
  if (typeof code !== "string") return undefined;
  const text = detail ?? title;
  return { code: safeText(code), text: typeof text === "string" ? safeText(text) : undefined };
}

/** Reads Storage's error, without the ids at the end. */
function failureInXml(body: string): Failure | undefined {
  const [, code, message = ""] = /<Error>\s*<Code>(\w+)<\/Code>\s*<Message>([^<\n]*)/.exec(body) ?? [];
  return code === undefined ? undefined : { code, text: safeText(message) };
}

/** Returns Entra's description without the number in front and the ids at the end. */
function firstSentence(description: string): string {
  return description.replace(/^AADSTS\d+: /, "").replace(/ Trace ID: .*$/s, "");
}
