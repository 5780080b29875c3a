import type http from "node:http";
import type { Reply } from "../http/router.ts";
import type { AuthSettings } from "./auth-settings.ts";
import type { Sessions } from "./sessions.ts";
import type { SignInClient } from "./sign-in.ts";
import type { Switches } from "./switches.ts";
import type { TokenCheck } from "./token-check.ts";

export interface AuthRoutesOptions {
  readonly settings: AuthSettings;
  readonly switches: Switches;
  readonly sessions: Sessions;
  readonly checkToken: TokenCheck;
  /** Undefined where nobody can sign in: an API that only takes bearer tokens. */
  readonly signIn: SignInClient | undefined;
  /** Told of what failed behind an answer that says little. */
  readonly onError: (step: string, error: unknown) => void;
}

/** A request as the gate sees it. */
export interface GateRequest {
  readonly message: http.IncomingMessage;
  readonly url: URL;
  /** The origin under which browsers reach the gate. */
  readonly site: string;
}

export type Route = (request: GateRequest) => Reply | Promise<Reply>;
