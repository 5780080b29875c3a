type Point = readonly [users: number, microseconds: number];

interface Series {
  readonly name: string;
  readonly className: string;
  readonly points: readonly Point[];
}

const WIDTH = 720;
const HEIGHT = 420;
const PLOT = { left: 84, right: 690, top: 56, bottom: 356 };
const USERS = { least: 0, most: 5 }; // powers of ten
const MICROSECONDS = { least: 0, most: 6 };

const STYLE = `
  svg { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --quiet: #59636e; --grid: #d8dee4; --ours: #0a7d52; --msal: #b3441e; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #f0f6fc; --quiet: #9198a1; --grid: #30363d; --ours: #3ddc97; --msal: #ff9d76; }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--ink); }
  .title { font-size: 16px; font-weight: 600; }
  .tick { fill: var(--quiet); }
  .paper { fill: var(--paper); }
  .grid { stroke: var(--grid); }
  .line { fill: none; stroke-width: 2.5; }
  .ours { stroke: var(--ours); fill: var(--ours); }
  .msal { stroke: var(--msal); fill: var(--msal); }
  .line.ours, .line.msal { fill: none; }
  text.ours, text.msal { stroke: none; font-weight: 600; }
`;

/**
 * Plots the time of a cached exchange against the number of cached users, both logarithmic, as SVG for light and dark
 * pages.
 */
export function plotHits(hit: Readonly<Record<"ours" | "msal", Readonly<Record<string, number>>>>): string {
  const series: Series[] = [
    { name: "MSAL’s own cache", className: "msal", points: pointsOf(hit.msal) },
    { name: "this project", className: "ours", points: pointsOf(hit.ours) },
  ];
  const title = "A cached exchange: time against cached users";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title description">
<title id="title">${title}</title>
<desc id="description">${series.map(inWords).join(" ")}</desc>
<style>${STYLE}</style>
<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="8"/>
<text class="title" x="${PLOT.left}" y="32">${title}</text>
${grid()}
${series.map(draw).join("\n")}
</svg>
`;
}

function pointsOf(values: Readonly<Record<string, number>>): Point[] {
  return Object.entries(values)
    .map(([users, microseconds]) => [Number(users), microseconds] as const)
    .sort(([a], [b]) => a - b);
}

function inWords({ name, points }: Series): string {
  return `${name}: ${points.map(([users, microseconds]) => `${spelled(microseconds)} with ${users.toLocaleString("en-US")} cached`).join(", ")}.`;
}

function grid(): string {
  const vertical = powers(USERS).map((users) => {
    const x = xOf(users);
    return `<path class="grid" d="M${x} ${PLOT.top}V${PLOT.bottom}"/><text class="tick" x="${x}" y="${PLOT.bottom + 20}" text-anchor="middle">${users.toLocaleString("en-US")}</text>`;
  });
  const horizontal = powers(MICROSECONDS).map((microseconds) => {
    const y = yOf(microseconds);
    return `<path class="grid" d="M${PLOT.left} ${y}H${PLOT.right}"/><text class="tick" x="${PLOT.left - 10}" y="${y + 4}" text-anchor="end">${spelled(microseconds)}</text>`;
  });
  const middle = { x: (PLOT.left + PLOT.right) / 2, y: (PLOT.top + PLOT.bottom) / 2 };
  const axes = [
    `<text x="${middle.x}" y="${HEIGHT - 16}" text-anchor="middle">users cached</text>`,
    `<text transform="translate(20 ${middle.y}) rotate(-90)" text-anchor="middle">time of one call, median</text>`,
  ];
  return [...vertical, ...horizontal, ...axes].join("\n");
}

function draw({ name, className, points }: Series): string {
  const path = points.map(([users, microseconds]) => `${xOf(users)} ${yOf(microseconds)}`).join("L");
  const marks = points.map(
    ([users, microseconds]) =>
      `<circle class="${className}" cx="${xOf(users)}" cy="${yOf(microseconds)}" r="4"><title>${spelled(microseconds)}</title></circle>`,
  );
  const [lastUsers, lastMicroseconds] = points.at(-1) ?? [1, 1];
  const label = `${name}: ${spelled(lastMicroseconds)} with ${lastUsers.toLocaleString("en-US")}`;
  return `<path class="line ${className}" d="M${path}"/>
${marks.join("\n")}
<text class="${className}" x="${xOf(lastUsers)}" y="${yOf(lastMicroseconds) - 14}" text-anchor="end">${label}</text>`;
}

function xOf(users: number): number {
  return position(users, USERS, PLOT.left, PLOT.right);
}

function yOf(microseconds: number): number {
  return position(microseconds, MICROSECONDS, PLOT.bottom, PLOT.top);
}

function position(value: number, { least, most }: typeof USERS, from: number, to: number): number {
  const share = (Math.log10(value) - least) / (most - least);
  return Math.round((from + share * (to - from)) * 10) / 10;
}

function powers({ least, most }: typeof USERS): number[] {
  return Array.from({ length: most - least + 1 }, (_, index) => 10 ** (least + index));
}

function spelled(microseconds: number): string {
  if (microseconds >= 1e6) return `${amount(microseconds / 1e6)} s`;
  if (microseconds >= 1e3) return `${amount(microseconds / 1e3)} ms`;
  return `${amount(microseconds)} µs`;
}

function amount(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 2 });
}
