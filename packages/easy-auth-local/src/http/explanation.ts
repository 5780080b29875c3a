import type http from "node:http";

const explanations = new WeakMap<http.ServerResponse, string>();

/** Attaches the reason of a refusal whose answer does not say it, for the trace. */
export function explain(response: http.ServerResponse, reason: string): void {
  explanations.set(response, reason);
}

/** Returns the attached reason, or undefined. */
export function explanationOf(response: http.ServerResponse): string | undefined {
  return explanations.get(response);
}
