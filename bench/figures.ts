import type { CollectionFigures } from "./collections.ts";
import type { IdentityWebFigures } from "./identity-web.ts";
import type { FlatFigures, RequestInProcess } from "./inprocess.ts";
import type { ColdStart } from "./load.ts";
import type { BoundFigures } from "./memory.ts";
import type { OpenLoopFigures } from "./open-loop.ts";
import type { StallFigures } from "./stall.ts";
import { rounded } from "./statistics.ts";

type ByUsers = Readonly<Record<string, number>>;

/** Output of `--json`. Medians, unless a name says otherwise. */
export interface Figures {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  /** Day on which the measurements began. */
  readonly date: string;
  /** Microseconds of a cached exchange by cached users. `map` only hashes and looks up in a Map. */
  readonly hit_us: { readonly ours: ByUsers; readonly map: ByUsers; readonly msal: ByUsers };
  /** Microseconds of an exchange that is not cached, by users cached at that time. */
  readonly exchange_us: { readonly ours: ByUsers; readonly msal: ByUsers };
  /** POSTs at the token endpoint for 100 equal cold calls at once. */
  readonly cold_burst_posts: { readonly ours: number; readonly msal: number };
  readonly bytes_per_user: { readonly ours: number; readonly msal: number };
  readonly bound: BoundFigures;
  readonly stall_ms: StallFigures;
  readonly request_cpu_us: Readonly<
    Record<"bare" | "floor" | "ours" | "tutorial_1_user" | "tutorial_100_users" | "tutorial_1000_users", number>
  >;
  /** A request without sockets, by Node's major version, for each version that is installed. */
  readonly request_inprocess: Readonly<Record<string, RequestInProcess>>;
  /** Microseconds of such a request by cached users, on the newest Node. */
  readonly flat_us: FlatFigures;
  /** Collections of young objects while one process serves requests, by peer, on the newest Node. */
  readonly collections: Readonly<Record<string, CollectionFigures>>;
  /** The same figures for each kind of function or field alone. */
  readonly collections_by_kind: Readonly<Record<string, CollectionFigures>>;
  /** Latency at constant rates, on the newest Node. */
  readonly open_loop: OpenLoopFigures;
  /** Microsoft.Identity.Web, or the reason why it was not measured. */
  readonly identity_web: IdentityWebFigures | { readonly absent: string };
  /** Median over the rounds of the ratio within one round. */
  readonly ours_over_floor: number;
  /** The `bare` request with undici, and with Node's built-in `fetch`. */
  readonly transport_cpu_us: { readonly undici: number; readonly fetch: number };
  /** Milliseconds from the start of a process to its end. */
  readonly load_ms: Readonly<Record<"empty" | "bundle" | "unbundled", number>>;
  readonly load_min_ms: Readonly<Record<"empty" | "bundle" | "unbundled", number>>;
  /** Milliseconds more than an empty process; each dependency is a bundle of its own. */
  readonly dependency_load_ms: Readonly<Record<string, { readonly median: number; readonly min: number }>>;
  /** Milliseconds from the start of a process to its end, by Node's major version. */
  readonly cold_start_ms: Readonly<Record<string, ColdStart>>;
  readonly bundle_bytes: number;
  readonly targets: readonly Target[];
}

export interface Target {
  readonly name: string;
  readonly value: number;
  readonly at_most: number;
  readonly holds: boolean;
}

/** Compares the figures with this project's targets. */
export function targetsOf(figures: Omit<Figures, "targets">): Target[] {
  const { hit_us: hit, load_ms: load, bound, stall_ms: stall } = figures;
  return [
    target("cached exchange with 100,000 users, µs", hit.ours["100000"] ?? Number.NaN, 6),
    target("the same over hash and Map alone, at the worst number of users", worstRatio(hit.ours, hit.map), 1.8),
    target("POSTs for 100 equal cold calls", figures.cold_burst_posts.ours, 1),
    target("bytes per cached user", figures.bytes_per_user.ours, 3200),
    target("cache's bytes over its bound, 200,000 users offered", bound.bytes / bound.bound_bytes, 1),
    target("heap's growth over the same bound", bound.heap_bytes / bound.bound_bytes, 1),
    target(
      "longest cache operation with 100,000 users, garbage collection apart, ms",
      Math.max(stall.get, stall.set_without_collections),
      10,
    ),
    ...inProcessTargets(figures.request_inprocess),
    target(
      "a request's rise from 1,000 to 10,000 cached users over the floor's, µs",
      riseOf(figures.flat_us.ours) - riseOf(figures.flat_us.floor),
      3,
    ),
    target(
      "p99 at 45 % of the capacity over the floor's",
      p99Of(figures.open_loop, "ours") / p99Of(figures.open_loop, "floor"),
      1.25,
    ),
    ...identityWebTargets(figures.identity_web),
    target(
      "load time over an empty process, bundled over unbundled",
      (load.bundle - load.empty) / (load.unbundled - load.empty),
      0.55,
    ),
  ];
}

/** Targets for a request without sockets, on the newest Node that is installed. */
function inProcessTargets(byNode: Figures["request_inprocess"]): Target[] {
  const [node, measured] = Object.entries(byNode).at(-1) ?? [];
  if (!measured) return [];
  return [
    target(`a request's µs over the floor's, Node ${node}`, measured.ours_us - measured.floor_us, 15),
    target(`a request's KiB over the floor's, Node ${node}`, measured.ours_kib - measured.floor_kib, 14),
  ];
}

function riseOf(byUsers: ByUsers): number {
  const values = Object.values(byUsers);
  return (values.at(-1) ?? Number.NaN) - (values[0] ?? Number.NaN);
}

function p99Of({ at }: OpenLoopFigures, peer: "floor" | "ours"): number {
  return at["45"]?.[peer].p99_ms ?? Number.NaN;
}

/** Targets against Microsoft.Identity.Web, one for each number of users. */
function identityWebTargets(figures: Figures["identity_web"]): Target[] {
  if ("absent" in figures) return [];
  return Object.entries(figures.request_cpu_us).map(([users, { ours, tuned }]) =>
    target(`a request's processor time over tuned Microsoft.Identity.Web's, ${usersText(users)}`, ours / tuned, 1),
  );
}

/** Returns a number of users in words: "1 user", "1,000 users". */
export function usersText(users: string): string {
  return `${Number(users).toLocaleString("en-US")} ${users === "1" ? "user" : "users"}`;
}

/** Returns the largest ratio of two peers over the numbers of users measured for both. */
function worstRatio(ours: ByUsers, peer: ByUsers): number {
  const ratios = Object.entries(ours).map(([users, value]) => value / (peer[users] ?? Number.NaN));
  return Math.max(...ratios.filter((ratio) => !Number.isNaN(ratio)));
}

function target(name: string, exact: number, atMost: number): Target {
  const value = rounded(exact);
  return { name, value, at_most: atMost, holds: value <= atMost };
}
