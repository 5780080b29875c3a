import { parse } from "yaml";
import type { Infra } from "./infra.ts";
import type { Rule } from "./structure-rules.ts";

interface Job {
  readonly needs?: readonly string[];
  readonly if?: string;
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly uses?: string; readonly with?: Readonly<Record<string, unknown>> }[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** What the workflow may do, and when. */
export const WORKFLOW_RULES = {
  "the workflow reads what the deployment puts out, or what it sets itself": (infra) => {
    const text = textOf(infra);
    const set = [...text.matchAll(/^ {6}([A-Z_]+): /gm)].map(([, name]) => name);
    const read = [...text.matchAll(/\$([A-Z_]{2,})|\benv\.([A-Z_]+)/g)].map(([, name, other]) => name ?? other);
    const outputs = infra.files.get("main.bicep")?.outputs.keys() ?? [];
    const known = new Set([...outputs, ...set, "GITHUB_ENV", "RUNNER_TEMP"]);
    return read.filter((name) => !known.has(name ?? "")).map((name) => `${name} is nowhere put out`);
  },
  "actions are pinned by commit": (infra) => {
    const used = stepsOf(infra).flatMap(({ uses = [] }) => uses);
    return used.filter((action) => !/@[0-9a-f]{40}$/.test(action)).concat(used.length === 0 ? ["no workflow"] : []);
  },
  "the workflow may read the code, and its deployment may sign in to Azure": (infra) => {
    const { permissions, jobs } = workflow(infra);
    const granted = { all: permissions, ...Object.fromEntries(Object.entries(jobs).map(permissionsOf)) };
    return same(granted, { all: { contents: "read" }, deploy: { contents: "read", "id-token": "write" } });
  },
  "no step finds the credentials of git": (infra) =>
    stepsOf(infra)
      .filter((step) => step.uses?.startsWith("actions/checkout@") && step.with?.["persist-credentials"] !== false)
      .map(({ uses }) => `${uses} leaves its credentials behind`),
  "a pull request runs with its own rights": ({ texts }) =>
    Object.keys(workflow({ texts }).on).filter(
      (event) => !["pull_request", "push", "workflow_dispatch"].includes(event),
    ),
  "what is deployed is main, checked, in an environment that can be guarded": (infra) => {
    const { needs, environment, if: condition = "" } = workflow(infra).jobs.deploy ?? {};
    return [
      ...same({ needs, environment }, { needs: ["check", "bicep"], environment: "production" }),
      ...["github.event_name != 'pull_request'", "github.ref == 'refs/heads/main'"]
        .filter((term) => !condition.split(" && ").includes(term))
        .map((term) => `deploys without ${term}`),
    ];
  },
} satisfies Record<string, Rule>;

function textOf({ texts }: Pick<Infra, "texts">): string {
  return texts.get(".github/workflows/deploy.yml") ?? "";
}

function workflow(infra: Pick<Infra, "texts">): Workflow {
  return parse(textOf(infra)) as Workflow;
}

function stepsOf(infra: Infra): Job["steps"] {
  return Object.values(workflow(infra).jobs).flatMap(({ steps }) => steps);
}

function permissionsOf([name, { permissions }]: [string, Job]): [string, unknown] {
  return [name, permissions];
}

function same(found: object, wanted: object): string[] {
  const text = JSON.stringify(found);
  return text === JSON.stringify(wanted) ? [] : [`${text} instead of ${JSON.stringify(wanted)}`];
}
