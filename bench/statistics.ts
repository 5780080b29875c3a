/** The middle value; of an even number of values, the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (Number.isInteger(middle)) return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
  return sorted[Math.floor(middle)] ?? Number.NaN;
}

/** The value that a percentage of the values does not exceed (nearest rank). NaN of none. */
export function percentile(values: readonly number[], percentage: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percentage / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** The median of each key's values; every record has the first one's keys. */
export function mediansOf<Key extends string>(records: readonly Readonly<Record<Key, number>>[]): Record<Key, number> {
  const keys = Object.keys(records[0] ?? {}) as Key[];
  return Object.fromEntries(keys.map((key) => [key, median(records.map((record) => record[key]))])) as Record<
    Key,
    number
  >;
}

/** Three significant digits: more would be noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** Every value of a record, rounded. */
export function roundedAll<Key extends string>(values: Readonly<Record<Key, number>>): Record<Key, number> {
  const entries = Object.entries<number>(values).map(([key, value]) => [key, rounded(value)]);
  return Object.fromEntries(entries) as Record<Key, number>;
}
