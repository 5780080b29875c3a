import type http from "node:http";
import type { Reply } from "../http/router.ts";
import type { AuthSettings } from "./auth-settings.ts";
import type { Platform } from "./platform.ts";
import type { Sessions } from "./sessions.ts";
import type { SignInClient } from "./sign-in.ts";
import type { Switches } from "./switches.ts";
import type { TokenCheck } from "./token-check.ts";

export interface AuthRoutesOptions {
  readonly settings: AuthSettings;
  readonly switches: Switches;
  readonly platform: Platform;
  readonly sessions: Sessions;
  readonly checkToken: TokenCheck;
  /** Client for sign-ins; undefined for an API that only takes bearer tokens. */
  readonly signIn: SignInClient | undefined;
  /** Called with a failure whose answer has no details. */
  readonly onError: (step: string, error: unknown) => void;
}

/** Request as the gate sees it. */
export interface GateRequest {
  readonly message: http.IncomingMessage;
  readonly url: URL;
  /** Origin under which browsers reach the gate. */
  readonly site: string;
}

/** Answer of the gate itself. */
export interface GateReply extends Reply {
  /** Explanation of a 401 or 403, for the terminal and the trace: the rule, the value and the setting. */
  readonly reason?: string;
}

export type Route = (request: GateRequest) => GateReply | Promise<GateReply>;
