import { membersOf } from "../outgoing/json.ts";

/** Maximum of bytes that are read of an error's body. */
export const MAX_ERROR_BYTES = 65_536;

/**
 * Returns the service's own code in an error's body, whatever its shape: `error.code` as OData and Azure write it, `error` as
 * OAuth does, `code` of a problem (RFC 9457). Undefined when there is none.
 */
export function errorCodeIn(body: unknown): string | undefined {
  const { error, code } = membersOf(body);
  const found = typeof error === "string" ? error : (membersOf(error).code ?? code);
  return typeof found === "string" ? found : undefined;
}
