/** Exchanges for one user in an hour, by number of instances. */
export interface SimulatedScale {
  readonly instances: number;
  /** N·(1−(1−1/N)^k) for k calls at random among N instances. */
  readonly formula: number;
  /** Mean of the simulation without a shared cache. */
  readonly alone: number;
  /** Mean with a shared cache: only the hour's first call, and the calls that start with it, make an exchange. */
  readonly shared: number;
}

const INSTANCES = [1, 2, 4, 10, 40, 100, 400, 1000] as const;
/** Page views of one user in an hour. */
export const VIEWS = 10;
/** Calls of a page view, all at once. */
export const CALLS = 4;

/**
 * Counts exchanges when each call goes to a random instance. The calls of one page view start together, so each
 * instance that they reach before the first exchange is shared makes its own.
 */
export function simulateScale(users: number): SimulatedScale[] {
  return INSTANCES.map((instances) => {
    let alone = 0;
    let shared = 0;
    for (let user = 0; user < users; user += 1) {
      const seen = new Set<number>();
      for (let call = 0; call < VIEWS * CALLS; call += 1) {
        seen.add(Math.floor(Math.random() * instances));
        if (call === CALLS - 1) shared += seen.size;
      }
      alone += seen.size;
    }
    const calls = VIEWS * CALLS;
    return {
      instances,
      formula: instances * (1 - (1 - 1 / instances) ** calls),
      alone: alone / users,
      shared: shared / users,
    };
  });
}
