import { validateHeaderName, validateHeaderValue } from "node:http";
import type { Fault, Service } from "./fault.ts";

const MAX_DELAY_MS = 60_000;
const MAX_TIMES = 1_000_000;
const MAX_LENGTH = 8192;
const LOOPBACK_ADDRESS = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/;

const GRAPH_ADDRESS = /^https:\/\/graph\.microsoft\.com\//;
const CODINGS = ["gzip", "deflate", "br"];

interface Member {
  /** Completes the sentence "… has to be". */
  readonly what: string;
  readonly is: (value: unknown) => boolean;
  readonly isOptional?: true;
}

type Members = Readonly<Record<string, Member>>;

const STATUS = wholeNumber(200, 599);
const HEADER_VALUE: Member = { what: "the value of a header", is: (value) => isHeaders({ value }) };
const RETRY_AFTER: Member = { ...HEADER_VALUE, is: (value) => Number.isFinite(value) || isHeaders({ value }) };
const MEMBERS: { readonly [kind in Fault["kind"]]: Members } = {
  slow: { delayMs: wholeNumber(0, MAX_DELAY_MS) },
  hang: {},
  close: {},
  closeMidway: {},
  status: { status: STATUS, retryAfter: optional(RETRY_AFTER), body: optional({ what: "any JSON", is: () => true }) },
  entraError: {
    number: wholeNumber(1, 99_999_999),
    error: text(),
    suberror: optional(text()),
    claims: optional(text()),
  },
  graphError: {
    status: STATUS,
    code: text(),
    headers: optional({ what: "an object of header values", is: isHeaders }),
  },
  truncatedJson: {},
  html: { status: optional({ what: "200 or 502", is: (value) => value === 200 || value === 502 }) },
  emptyToken: { missing: optional({ what: "true or false", is: (value) => typeof value === "boolean" }) },
  wrongContentType: { contentType: optional(HEADER_VALUE) },
  redirect: {
    location: {
      what: "an http address on this machine, or one of Graph",
      is: (value) => isText(value, LOOPBACK_ADDRESS) || isText(value, GRAPH_ADDRESS),
    },
  },
  hugeBody: {},
  compressed: {
    coding: optional({ what: "gzip, deflate or br", is: (value) => CODINGS.some((coding) => coding === value) }),
  },
};

const KINDS = Object.keys(MEMBERS);
const SERVICE_OF_KIND: Readonly<Record<string, Service>> = {
  entraError: "entra",
  emptyToken: "entra",
  graphError: "graph",
};

/** Returns a sentence for each reason why a value is not a `FaultRule`; an empty list when it is one. */
export function problemsOf(rule: unknown, accountKeys: readonly string[]): readonly string[] {
  const { fault, ...scope } = recordOf(rule);
  const { kind, ...details } = recordOf(fault);
  const problems = problemsOfMembers("", scope, {
    service: { what: '"entra" or "graph"', is: (value) => value === "entra" || value === "graph" },
    account: optional({
      what: `one of ${accountKeys.join(", ")}`,
      is: (value) => accountKeys.some((key) => key === value),
    }),
    path: optional({ what: "a text that begins with /", is: (value) => isText(value, /^\//) }),
    times: optional(wholeNumber(1, MAX_TIMES)),
  });
  if (!isKind(kind)) return [...problems, `fault.kind has to be one of ${KINDS.join(", ")}.`];
  const service = SERVICE_OF_KIND[kind] ?? scope.service;
  if (service !== scope.service) problems.push(`${kind} is a fault of ${service} only.`);
  return [...problems, ...problemsOfMembers("fault.", details, MEMBERS[kind])];
}

function problemsOfMembers(prefix: string, found: Readonly<Record<string, unknown>>, members: Members): string[] {
  const wrong = Object.entries(members)
    .filter(([name, { is, isOptional }]) => !(found[name] === undefined && isOptional) && !is(found[name]))
    .map(([name, { what }]) => `${prefix}${name} has to be ${what}.`);
  const unknown = Object.keys(found)
    .filter((name) => !Object.hasOwn(members, name))
    .map((name) => `${prefix}${name} is unknown.`);
  return [...wrong, ...unknown];
}

function isKind(value: unknown): value is Fault["kind"] {
  return typeof value === "string" && Object.hasOwn(MEMBERS, value);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function optional(member: Member): Member {
  return { ...member, isOptional: true };
}

function wholeNumber(least: number, most: number): Member {
  const is = (value: unknown) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  return { what: `a whole number from ${least} to ${most}`, is };
}

function text(): Member {
  return { what: `a text of 1 to ${MAX_LENGTH} characters`, is: (value) => isText(value, /./) };
}

function isHeaders(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([name, content]) => isText(content, /^/) && isHeader(name, content));
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && value.length <= MAX_LENGTH && pattern.test(value);
}
