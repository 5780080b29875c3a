import type { Fault } from "../faults/fault.ts";

/** The tenant that the apps are registered in. */
export const TENANT_ID = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
/** Another organization's tenant, where guests and strangers are at home. */
export const OTHER_TENANT_ID = "bbbbcccc-1111-dddd-2222-eeee3333ffff";

/** A refusal in Entra's terms. */
export interface Refusal {
  /** The AADSTS number. */
  readonly number: number;
  /** The OAuth error. */
  readonly error: string;
  /** What happened, in the emulator's words. */
  readonly text: string;
  readonly suberror?: string;
  /** What another sign-in has to satisfy: the JSON of a claims request. */
  readonly claims?: string;
}

/** Someone to sign in as. */
export interface Account {
  /** Short name for scripts: `npm run token -- no-consent`. */
  readonly key: string;
  readonly objectId: string;
  /** What signing in as this account shows, for the account picker. */
  readonly shows?: string;
  /** What `GET /api/profile` answers after the sign-in: status and code. */
  readonly answer?: string;
  /** Whether administrators' consent to permissions of Microsoft Graph covers this user. Default: true. */
  readonly consentToGraph?: boolean;
  /** Properties Graph knows; those not named are null. */
  readonly profile: Readonly<Record<string, unknown>> & {
    readonly displayName: string;
    readonly userPrincipalName: string;
  };
  /** Default: true. */
  readonly hasPhoto?: boolean;
  /** Where this user has the role Storage Blob Data Reader: on the whole account (the default), or on the container alone. */
  readonly storageRole?: "account" | "container" | "none";
  /** Where the account is at home. Default: the apps' own tenant. */
  readonly homeTenantId?: string;
  /** Whether the apps' own tenant knows an account that is at home elsewhere. */
  readonly isGuest?: boolean;
  /** Key of the account that is the user's manager in Graph. Default: no manager. */
  readonly managerKey?: string;
  /** Object ids of groups, all of them in every token. */
  readonly groups?: readonly string[];
  /** Values of app roles that the user is assigned to, by client id. */
  readonly appRoles?: Readonly<Record<string, readonly string[]>>;
  /** How long access tokens for the tenant's own APIs last. */
  readonly accessTokenSeconds?: number;
  /** What Entra answers to an exchange on behalf of this user. */
  readonly exchangeRefusal?: Refusal & {
    /** Not once the sign-in satisfied this authentication context, which the assertion then names in `acrs`. */
    readonly untilContext?: string;
  };
  /** What Entra answers when this user's refresh token is redeemed. */
  readonly refreshRefusal?: Refusal;
  /** Whether this user's sessions are revoked once Graph sees the first token of them. */
  readonly isRevokedOnFirstUse?: boolean;
  /** What Graph does instead of answering for this user. */
  readonly graphFault?: Fault;
}
