import type { VerifiedUser } from "../user.ts";

type User = Pick<VerifiedUser, "tenantId" | "objectId">;

/** Number of users throttled at a time that pauses their whole tenant. */
const MOST_USERS = 3;
const PAUSE_SECONDS = 5;
const MAX_PAUSE_SECONDS = 60;

interface Tenant {
  /** End of each user's pause, in milliseconds since 1970; fewer than `MOST_USERS`. */
  readonly users: Map<string, number>;
  /** End of the tenant's own pause. */
  end: number;
}

/**
 * Pauses after Entra asked to wait: of the user concerned, and of their whole tenant once three of its users are
 * throttled at a time. Other tenants are not affected. Bounded by the number of served tenants.
 */
export class Pauses {
  readonly #now: () => number;
  readonly #tenants = new Map<string, Tenant>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Begins a pause: as long as Entra said, 5 s if it did not, 1 s at least and 60 s at most. */
  begin({ tenantId, objectId }: User, seconds = PAUSE_SECONDS): void {
    const now = this.#now();
    const tenant = this.#tenants.get(tenantId) ?? { users: new Map(), end: 0 };
    const end = now + Math.min(Math.max(seconds, 1), MAX_PAUSE_SECONDS) * 1000;
    for (const [user, endOfUser] of tenant.users) if (endOfUser <= now) tenant.users.delete(user);
    tenant.users.set(objectId, Math.max(end, tenant.users.get(objectId) ?? 0));
    if (tenant.users.size >= MOST_USERS) {
      tenant.end = Math.max(tenant.end, end);
      tenant.users.clear();
    }
    this.#tenants.set(tenantId, tenant);
  }

  /** Returns the seconds that a user's exchange has to wait; 0 or less for none. */
  secondsLeft({ tenantId, objectId }: User): number {
    const tenant = this.#tenants.get(tenantId);
    if (!tenant) return 0;
    return (Math.max(tenant.end, tenant.users.get(objectId) ?? 0) - this.#now()) / 1000;
  }
}
