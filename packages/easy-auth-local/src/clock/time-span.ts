/** Returns the milliseconds of a .NET time span, `hh:mm:ss` or `d.hh:mm:ss`. Throws for anything else. */
export function parseTimeSpan(value: string): number {
  const parts = /^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})$/.exec(value);
  if (!parts) throw new Error(`${JSON.stringify(value)} is not a time span such as 08:00:00.`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}
