/**
 * Behaviour of Easy Auth that no documentation describes, or of which reports differ. Each is a switch, so that an app can
 * be tried with every answer; the first is the default.
 */
export const SWITCHES = {
  /**
   * The `X-MS-TOKEN-AAD-*` headers of a request with a bearer token. Reported: none; and, in another case, the token of an
   * earlier request, perhaps past its time. `fresh` is the token that came with the request, `stale` the first that came
   * from this user. https://github.com/Azure/azure-functions-microsoftgraph-extension/issues/97,
   * https://github.com/MicrosoftDocs/azure-docs/issues/11383
   */
  bearerTokenHeaders: ["none", "fresh", "stale"],
  /**
   * Credential that counts when a request has a bearer token and a session; asked in public, never answered.
   * https://github.com/MicrosoftDocs/azure-docs/issues/117379
   */
  precedence: ["bearer", "session"],
  /** `/.auth/me` without a session: older clients read 401 as "not signed in"; other emulators answer `[]`. */
  meUnauthenticated: ["401", "emptyArray"],
  /** `/.auth/me` without a token store. Container Apps always answer 404. */
  meWithoutTokenStore: ["404", "401"],
  /**
   * Token versions of its tenant that an issuer accepts: its own alone, or both. Microsoft's support saw the other one
   * refused. https://github.com/MicrosoftDocs/azure-docs/issues/76602
   */
  issuerMatch: ["strict", "sameTenantAnyVersion"],
  /** The documentation says that an empty list is not enforced; a report from 2026 says that it refuses everyone. */
  emptyAllowedApplications: ["allow", "deny"],
  /** Fate of an invalid bearer token where anonymous requests may pass: reported to pass as anonymous. */
  invalidBearerUnderAllowAnonymous: ["passAnonymous", "401"],
  /** Reach of a path of `excludedPaths` without `/*`: itself, or the paths below it too. */
  excludedPathMatch: ["exact", "prefix"],
  /** Headers of a signed-in user on an excluded path. */
  excludedPathHeaders: ["none", "injected"],
  /** The ID token after `/.auth/refresh`: reported to stay. https://github.com/MicrosoftDocs/azure-docs/issues/102509 */
  idTokenAfterRefresh: ["kept", "renewed"],
  /** The body of a 401: none, or a sentence of 58 bytes. Captures show both and do not name the system. */
  platform401: ["linux", "windows"],
} as const;

/** Answers to the switches, one each. */
export type Switches = { readonly [Name in keyof typeof SWITCHES]: (typeof SWITCHES)[Name][number] };

export const DEFAULT_SWITCHES = Object.fromEntries(
  Object.entries(SWITCHES).map(([name, [first]]) => [name, first]),
) as unknown as Switches;

/** Reads `name=answer` pairs. Throws for an unknown name or answer, and lists the known ones. */
export function parseSwitches(pairs: readonly string[]): Partial<Switches> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = "", answer = ""] = pair.split("=");
      const answers: readonly string[] | undefined = Object.entries(SWITCHES).find(([known]) => known === name)?.[1];
      if (!answers) throw new Error(`There is no switch ${name}. There are: ${Object.keys(SWITCHES).join(", ")}.`);
      if (!answers.includes(answer)) throw new Error(`${name} is one of: ${answers.join(", ")}.`);
      return [name, answer];
    }),
  );
}
