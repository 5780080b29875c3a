import type http from "node:http";
import { decodeJwt } from "jose";
import type { Directory } from "../directory/directory.ts";
import type { Intercept, Reply, RoutedRequest } from "../http/router.ts";
import { problemsOf } from "./check-fault-rule.ts";
import type { Fault, FaultRule, Service } from "./fault.ts";
import { showFault } from "./show-fault.ts";

/** An invalid rule; the message says what is wrong with it. */
export class FaultRuleError extends Error {
  override readonly name = "FaultRuleError";
}

interface ActiveRule {
  readonly rule: FaultRule;
  /** `oid` of the account. */
  readonly objectId: string | undefined;
  timesLeft: number;
}

const MAX_RULES = 100;
/** Addresses of the emulator itself, which Microsoft does not have: a fault that reached them could not be cleared. */
const OWN_PATHS = /^\/(emulator\/.*|trace)?$/;

/** Fault rules for Entra and Graph. The first rule that matches a request applies. */
export class Faults {
  readonly #directory: Directory;
  readonly #held = new Set<http.ServerResponse>();
  #active: readonly ActiveRule[] = [];

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  /**
   * Adds a fault. Returns a function that removes it; a request that it already affects is not changed.
   *
   * @throws FaultRuleError
   */
  add(rule: FaultRule): () => void {
    const keys = this.#directory.accounts.map(({ key }) => key);
    const problems = problemsOf(rule, keys);
    if (problems.length > 0) throw new FaultRuleError(problems.join(" "));
    if (this.#active.length >= MAX_RULES) throw new FaultRuleError(`There are ${MAX_RULES} faults. Clear them first.`);
    const objectId = rule.account === undefined ? undefined : this.#directory.accountByKey(rule.account)?.objectId;
    const added = { rule, objectId, timesLeft: rule.times ?? Number.POSITIVE_INFINITY };
    this.#active = [...this.#active, added];
    return () => this.#remove(added);
  }

  /** Ends all faults, and closes the connections of requests that one of them keeps waiting. */
  clear(): void {
    this.#active = [];
    for (const response of this.#held) response.destroy();
    this.#held.clear();
  }

  /** Rules; `times` is the number of requests that each will still affect. */
  get rules(): readonly FaultRule[] {
    return this.#active.map(({ rule, timesLeft }) => (rule.times === undefined ? rule : { ...rule, times: timesLeft }));
  }

  /** Number of requests that a fault keeps waiting, whose client has not disconnected. */
  get held(): number {
    return this.#held.size;
  }

  /** Makes the function that answers with the faults of a service in place of its routes. */
  intercept(service: Service): Intercept {
    return async (request, ask) => {
      const fault = this.#take(service, request);
      return fault ? this.#whileHeld(await showFault(fault, request, ask)) : ask();
    };
  }

  #take(service: Service, request: RoutedRequest): Fault | undefined {
    const path = request.url.pathname;
    if (OWN_PATHS.test(path)) return undefined;
    const objectId = objectIdOf(service, request);
    const found = this.#active.find(
      ({ rule, objectId: only }) =>
        rule.service === service && path.startsWith(rule.path ?? "/") && (only === undefined || only === objectId),
    );
    if (!found) return service === "graph" ? this.#directory.accountById(String(objectId))?.graphFault : undefined;
    found.timesLeft -= 1;
    if (found.timesLeft === 0) this.#remove(found);
    return found.rule.fault;
  }

  #remove(rule: ActiveRule): void {
    this.#active = this.#active.filter((other) => other !== rule);
  }

  #whileHeld(reply: Reply): Reply {
    const { send } = reply;
    if (!send) return reply;
    return {
      ...reply,
      send: (response) => {
        // The client may have left while the reply was made.
        if (response.destroyed) return;
        this.#held.add(response);
        response.once("close", () => this.#held.delete(response));
        send(response);
      },
    };
  }
}

/** Returns the user of a request's token. Does not verify the token: Entra and Graph do. */
function objectIdOf(service: Service, { headers, form }: RoutedRequest): unknown {
  const jwt = service === "entra" ? form.get("assertion") : headers.authorization?.replace(/^Bearer /, "");
  try {
    return decodeJwt(jwt ?? "").oid;
  } catch {
    return undefined;
  }
}
