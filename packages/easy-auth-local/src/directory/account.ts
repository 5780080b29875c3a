import type { Fault } from "../faults/fault.ts";

/** The tenant that the apps are registered in. */
export const TENANT_ID = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
/** Home tenant of guests and of users without access. */
export const OTHER_TENANT_ID = "bbbbcccc-1111-dddd-2222-eeee3333ffff";

/** A refusal in Entra's terms. */
export interface Refusal {
  /** The AADSTS number. */
  readonly number: number;
  /** The OAuth error. */
  readonly error: string;
  /** Description, in the emulator's words. */
  readonly text: string;
  readonly suberror?: string;
  /** Claims request, as JSON, that a new sign-in has to satisfy. */
  readonly claims?: string;
}

/** User of the directory, to sign in as. */
export interface Account {
  /** Short name for scripts: `easy-auth-local token no-consent`. */
  readonly key: string;
  readonly objectId: string;
  /** Line in the account picker: what this account is for. */
  readonly shows?: string;
  /** Whether administrators' consent to permissions of Microsoft Graph covers this user. Default: true. */
  readonly consentToGraph?: boolean;
  /** Properties Graph knows; those not named are null. */
  readonly profile: Readonly<Record<string, unknown>> & {
    readonly displayName: string;
    readonly userPrincipalName: string;
  };
  /** Default: true. */
  readonly hasPhoto?: boolean;
  /** Scope of the role Storage Blob Data Reader: the whole account (the default), the container alone, or none. */
  readonly storageRole?: "account" | "container" | "none";
  /** Home tenant. Default: the apps' own. */
  readonly homeTenantId?: string;
  /** Whether the apps' own tenant knows an account that is at home elsewhere. */
  readonly isGuest?: boolean;
  /** Key of the account that is the user's manager in Graph. Default: no manager. */
  readonly managerKey?: string;
  /** Object ids of groups, all of them in every token. */
  readonly groups?: readonly string[];
  /** Values of app roles that the user is assigned to, by client id. */
  readonly appRoles?: Readonly<Record<string, readonly string[]>>;
  /** Lifetime of access tokens for the tenant's own APIs, in seconds. */
  readonly accessTokenSeconds?: number;
  /** Refusal of an exchange on behalf of this user. */
  readonly exchangeRefusal?: Refusal & {
    /** Authentication context that ends the refusal, once the assertion names it in `acrs`. */
    readonly untilContext?: string;
  };
  /** Refusal when this user's refresh token is redeemed. */
  readonly refreshRefusal?: Refusal;
  /** Whether this user's sessions are revoked once Graph sees the first token of them. */
  readonly isRevokedOnFirstUse?: boolean;
  /** Fault in place of Graph's answers to this user. */
  readonly graphFault?: Fault;
}
