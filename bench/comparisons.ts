import { type Figures, usersText } from "./figures.ts";

/** One figure of ours beside a peer's; lower is better in all of them. */
export interface Comparison {
  readonly what: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
}

const FLOOR = "the least an app of the v4 model can do";

/** Returns every figure that was measured of ours and of a peer. */
export function comparisonsOf(figures: Figures): Comparison[] {
  const { hit_us: hit, bytes_per_user: bytes, cold_burst_posts: posts, request_cpu_us: cpu, load_ms: load } = figures;
  const of = (what: string, ours: number | undefined, peer: string, theirs: number | undefined): Comparison => ({
    ...{ what, ours: ours ?? Number.NaN, peer, theirs: theirs ?? Number.NaN },
  });
  return [
    of("cached exchange, 1,000 users, µs", hit.ours["1000"], "MSAL Node's cache", hit.msal["1000"]),
    of("cached exchange, 1,000 users, µs", hit.ours["1000"], "a hash and a `Map`", hit.map["1000"]),
    of("token requests for 100 equal cold calls", posts.ours, "MSAL Node", posts.msal),
    of("bytes per cached user", bytes.ours, "MSAL Node", bytes.msal),
    of("request, 1 user, µs of processor time", cpu.ours, "the tutorial's way", cpu.tutorial_1_user),
    of("request, 1,000 users, µs of processor time", cpu.ours, "the tutorial's way", cpu.tutorial_1000_users),
    ...inProcess(figures, of),
    ...latency(figures, of),
    ...identityWeb(figures, of),
    of("load, ms", load.bundle, "the same without bundling", load.unbundled),
  ].filter(({ ours, theirs }) => Number.isFinite(ours) && Number.isFinite(theirs));
}

type Of = (what: string, ours: number | undefined, peer: string, theirs: number | undefined) => Comparison;

function inProcess({ request_inprocess: byNode }: Figures, of: Of): Comparison[] {
  const [node, measured] = Object.entries(byNode).at(-1) ?? [];
  const what = `request without sockets, Node ${node}`;
  return [
    of(`${what}, µs`, measured?.ours_us, FLOOR, measured?.floor_us),
    of(`${what}, µs`, measured?.ours_us, "the same, its library built as ours", measured?.floor_from_source_us),
    of(`${what}, KiB`, measured?.ours_kib, FLOOR, measured?.floor_kib),
  ];
}

function latency({ open_loop: { at } }: Figures, of: Of): Comparison[] {
  return Object.entries(at).flatMap(([share, { ours, floor, tutorial_100_users: tutorial }]) => [
    of(`p99 at ${share} % of our capacity, ms`, ours.p99_ms, FLOOR, floor.p99_ms),
    of(`p99 at ${share} % of one's own capacity, ms`, ours.p99_ms, "the tutorial's way, 100 users", tutorial.p99_ms),
  ]);
}

function identityWeb({ identity_web: figures }: Figures, of: Of): Comparison[] {
  if ("absent" in figures) return [];
  const peer = "ASP.NET with Microsoft.Identity.Web, tuned";
  const { request_cpu_us: cpu, memory_mib: memory, cold_burst_posts: posts, start_ms: start } = figures;
  return [
    ...Object.entries(cpu).map(([users, { ours, tuned }]) =>
      of(`request, ${usersText(users)}, µs of processor time, Node ${figures.node}`, ours, peer, tuned),
    ),
    of("token requests for 100 equal cold requests", posts.ours, peer, posts.tuned),
    of("memory with the most users, MiB", memory.ours, peer, memory.tuned),
    of("start to listening, ms", start.ours, peer, start.tuned),
  ];
}
