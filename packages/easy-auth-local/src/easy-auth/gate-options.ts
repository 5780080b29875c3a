import type http from "node:http";
import type { AppSettings, AuthSettings } from "./auth-settings.ts";
import type { CorsSettings } from "./cors.ts";
import type { Switches } from "./switches.ts";

export interface GateOptions {
  readonly settings: AuthSettings;
  /** The app behind the gate, on this machine. */
  readonly upstream: string;
  /** The app's settings that Easy Auth reads: the client secret, where users sign in; allowed tenants. */
  readonly appSettings?: AppSettings;
  /** The platform's CORS; default none, then preflights reach the app if they pass the gate. */
  readonly cors?: CorsSettings;
  /** What is not known of Easy Auth, otherwise than by default. */
  readonly switches?: Partial<Switches>;
  /**
   * Where browsers reach the authority when that is not its own origin: the emulator. Sign-ins lead there, and so do the
   * addresses at Entra in the app's problem+json.
   */
  readonly browserOrigin?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** How long the app may take until it answers, and between two parts of an answer; default 230,000. */
  readonly upstreamTimeoutMs?: number;
  /** Told of failures whose answer says little; never of a token. Default: standard error. */
  readonly onError?: (line: string) => void;
  /** Told of the server before it listens. */
  readonly onServer?: (server: http.Server) => void;
}
