import type { Account } from "../directory/directory.ts";
import type { FaultRule } from "../faults/fault.ts";
import { escapeHtml } from "../http/html-page.ts";

type Preset = Pick<FaultRule, "service" | "fault">;

const MORE_SIGN_IN = JSON.stringify({ access_token: { acrs: { essential: true, value: "c1" } } });

/** Faults that the page offers, by their labels. */
const PRESETS: ReadonlyMap<string, Preset> = new Map<string, Preset>([
  ["Graph throttles: 429, Retry-After 30", graph({ kind: "status", status: 429, retryAfter: 30 })],
  ["Graph is down: 503", graph({ kind: "status", status: 503 })],
  ["Graph answers after 5 seconds", graph({ kind: "slow", delayMs: 5000 })],
  ["Graph never answers", graph({ kind: "hang" })],
  ["Graph closes the connection", graph({ kind: "close" })],
  ["Graph breaks off in the middle of its answer", graph({ kind: "closeMidway" })],
  ["Graph forbids: 403", graph({ kind: "graphError", status: 403, code: "Authorization_RequestDenied" })],
  ["A proxy's page in place of Graph's answer: 502", graph({ kind: "html", status: 502 })],
  ["Entra: the user's token has expired (AADSTS500133)", entra(500133, "invalid_grant")],
  ["Entra asks for a stronger sign-in (AADSTS50076)", entra(50076, "interaction_required", MORE_SIGN_IN)],
  ["Entra: consent is missing (AADSTS65001)", entra(65001, "invalid_grant")],
  ["Entra: a policy blocks access (AADSTS53003)", entra(53003, "access_denied")],
  ["Entra: the client secret is wrong (AADSTS7000215)", entra(7000215, "invalid_client")],
  ["Entra is down: 503", { service: "entra", fault: { kind: "status", status: 503 } }],
  ["Entra never answers", { service: "entra", fault: { kind: "hang" } }],
]);

function graph(fault: FaultRule["fault"]): Preset {
  return { service: "graph", fault };
}

function entra(number: number, error: string, claims?: string): Preset {
  return { service: "entra", fault: { kind: "entraError", number, error, ...(claims !== undefined && { claims }) } };
}

/** Makes the form that sets a fault: one of those above, or any other as JSON. HTML. */
export function faultForm(accounts: readonly Account[]): string {
  const faults = [...PRESETS.keys()].map((words) => `<option>${escapeHtml(words)}</option>`);
  const users = accounts.map(({ key, profile }) => {
    const value = escapeHtml(key);
    return `<option value="${value}">${escapeHtml(profile.displayName)} (${value})</option>`;
  });
  return `<form method="post" action="/">
      <label>Fault <select name="fault">${faults.join("")}</select></label>
      <label>For <select name="fault-account"><option value="">everybody</option>${users.join("")}</select></label>
      <label>How often <select name="fault-times"><option value="">until it is cleared</option><option>1</option>
        <option>2</option><option>5</option></select></label>
      <button name="set-fault" value="yes">Set this fault</button>
    </form>
    <details><summary>Any other fault, as JSON</summary>
      <form method="post" action="/">
        <label>Rule, as JSON <textarea name="rule" rows="3" spellcheck="false">${escapeHtml(
          JSON.stringify({ service: "graph", path: "/v1.0/me", times: 1, fault: { kind: "hang" } }),
        )}</textarea></label>
        <button name="set-rule" value="yes">Set this fault</button>
      </form>
    </details>`;
}

/** Reads the rule that the form asks for; undefined when it asks for none. Does not check it: `Faults.add` does. */
export function ruleIn(form: URLSearchParams): unknown {
  if (form.has("set-rule")) return parsed(form.get("rule") ?? "");
  if (!form.has("set-fault")) return undefined;
  const [account, times] = [form.get("fault-account"), form.get("fault-times")];
  return {
    ...PRESETS.get(form.get("fault") ?? ""),
    ...(account && { account }),
    ...(times && { times: Number(times) }),
  };
}

/** Parses JSON. Returns other text as it is: `Faults.add` refuses it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
