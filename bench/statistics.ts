/** Returns the middle value, or the mean of the middle two of an even number. NaN for no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (Number.isInteger(middle)) return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
  return sorted[Math.floor(middle)] ?? Number.NaN;
}

/** Returns the smallest value that is not below this percentage of the values (nearest rank). NaN for no values. */
export function percentile(values: readonly number[], percentage: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percentage / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** Returns the median of each key's values. Every record must have the keys of the first. */
export function mediansOf<Key extends string>(records: readonly Readonly<Record<Key, number>>[]): Record<Key, number> {
  const keys = Object.keys(records[0] ?? {}) as Key[];
  return Object.fromEntries(keys.map((key) => [key, median(records.map((record) => record[key]))])) as Record<
    Key,
    number
  >;
}

/** Rounds to three significant digits; more would be noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** Rounds every value of a record to three significant digits. */
export function roundedAll<Key extends string>(values: Readonly<Record<Key, number>>): Record<Key, number> {
  const entries = Object.entries<number>(values).map(([key, value]) => [key, rounded(value)]);
  return Object.fromEntries(entries) as Record<Key, number>;
}
