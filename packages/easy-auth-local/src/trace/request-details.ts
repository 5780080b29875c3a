import type { AnsweredRequest } from "../http/router.ts";
import type { Hop, SeenToken } from "./hop.ts";
import { membersOf } from "./members.ts";
import { safeText, seeToken } from "./secrets.ts";

/** Form fields that are shown. Any other field may be a secret. */
const SHOWN_FIELDS = ["grant_type", "requested_token_use", "client_id", "scope", "redirect_uri", "claims", "account"];
const SENT_TOKENS = ["assertion", "client_assertion"];
const ANSWERED_TOKENS = ["access_token", "id_token"];
const HIDDEN_FIELDS = ["code", "refresh_token", "client_secret"];

/** Collects the tokens and notes of a request to Entra or Graph and of its answer. */
export function detailsOf({ request, reply }: AnsweredRequest): { tokens: SeenToken[]; notes: Hop["notes"] } {
  const { form } = request;
  const answer = request.method === "POST" ? membersOf(Buffer.from(reply.body ?? "").toString()) : {};
  const given = (names: readonly string[]) => names.filter((name) => form.get(name));
  return {
    tokens: [
      ...given(SENT_TOKENS).map((name) => seeToken(name, form.get(name) ?? "")),
      ...ANSWERED_TOKENS.filter((name) => typeof answer[name] === "string").map((name) =>
        seeToken(`${name} (answered)`, String(answer[name])),
      ),
    ],
    notes: [
      ...given(SHOWN_FIELDS).map((name) => [name, safeText(form.get(name) ?? "")] as const),
      ...given(HIDDEN_FIELDS).map((name) => [name, "(not shown)"] as const),
      ...(answer.refresh_token === undefined ? [] : [["refresh_token (answered)", "(not shown)"] as const]),
    ],
  };
}
