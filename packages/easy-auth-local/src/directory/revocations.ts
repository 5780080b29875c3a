import type { Account } from "./account.ts";

/** Users whose sessions an administrator revoked. */
export class Revocations {
  readonly #validFrom = new Map<string, number>();

  /** Revokes what was issued before a time, in seconds since 1970. Default: all until now. */
  revoke({ objectId }: Account, validFrom = Math.floor(Date.now() / 1000) + 1): void {
    this.#validFrom.set(objectId, validFrom);
  }

  /** Returns seconds since 1970: what was issued to the user before is revoked. 0 when nothing is. */
  validFrom({ objectId }: Account): number {
    return this.#validFrom.get(objectId) ?? 0;
  }
}
