/**
 * Returns a parameter's value; undefined without it. Several values become one with commas, as the host makes it.
 */
export function parameterOf(query: URLSearchParams, name: string): string | undefined {
  return query.has(name) ? query.getAll(name).join(",") : undefined;
}
