/**
 * A parameter's value, undefined without it. One that is given several times is one value with commas, as the host makes it
 * while streaming is off.
 */
export function parameterOf(query: URLSearchParams, name: string): string | undefined {
  return query.has(name) ? query.getAll(name).join(",") : undefined;
}
