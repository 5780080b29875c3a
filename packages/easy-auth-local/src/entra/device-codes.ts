import { randomInt, randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Registration } from "../directory/directory.ts";
import type { Authority } from "./authority.ts";
import { entraError } from "./errors.ts";
import type { SignIn } from "./sign-in.ts";

/** A program on a device that waits for its user to sign in elsewhere. */
export interface DeviceRequest {
  readonly client: Registration;
  readonly scope: string;
  readonly authority: Authority;
}

const KEPT = 1000;
/** Seconds. https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code */
export const DEVICE_CODE_SECONDS = 900;
const USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXYZ23456789";
const USER_CODE_LENGTH = 9;

interface Waiting extends DeviceRequest {
  outcome: SignIn | "pending" | "declined";
}

/** Device codes, and what became of the sign-in that each waits for. */
export class DeviceCodes {
  readonly #waiting = new LRUCache<string, Waiting>({ max: KEPT, ttl: DEVICE_CODE_SECONDS * 1000, perf: Date });
  readonly #byUserCode = new LRUCache<string, string>({ max: KEPT, ttl: DEVICE_CODE_SECONDS * 1000, perf: Date });

  /** Makes the two codes: one for the device, one for the user to type. */
  issue(request: DeviceRequest): { readonly deviceCode: string; readonly userCode: string } {
    const deviceCode = randomUUID();
    const letter = () => USER_CODE_LETTERS[randomInt(USER_CODE_LETTERS.length)];
    const userCode = Array.from({ length: USER_CODE_LENGTH }, letter).join("");
    this.#waiting.set(deviceCode, { ...request, outcome: "pending" });
    this.#byUserCode.set(userCode, deviceCode);
    return { deviceCode, userCode };
  }

  /** Returns the device that waits for a user's code, in upper or lower case; undefined when none does. */
  find(userCode: string): (DeviceRequest & { readonly deviceCode: string }) | undefined {
    const deviceCode = this.#byUserCode.get(userCode.trim().toUpperCase());
    const waiting = deviceCode === undefined ? undefined : this.#waiting.get(deviceCode);
    if (deviceCode === undefined || waiting?.outcome !== "pending") return undefined;
    const { outcome: _, ...request } = waiting;
    return { ...request, deviceCode };
  }

  /** Tells the device of its user's sign-in. */
  complete(deviceCode: string, outcome: SignIn | "declined"): void {
    const waiting = this.#waiting.get(deviceCode);
    if (waiting) waiting.outcome = outcome;
  }

  /** Returns the sign-in that a device waited for, once. Throws EntraError until there is one. */
  redeem(deviceCode: string, { clientId }: Registration): SignIn {
    const waiting = this.#waiting.get(deviceCode);
    if (waiting?.client.clientId !== clientId) {
      throw entraError(70020, "expired_token", "The device code is unknown or expired. Ask for a new one.");
    }
    const { outcome } = waiting;
    if (outcome === "pending") {
      throw entraError(
        70016,
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
      );
    }
    this.#waiting.delete(deviceCode);
    if (outcome === "declined") throw entraError(70018, "authorization_declined", "The user declined to sign in.");
    return outcome;
  }
}
