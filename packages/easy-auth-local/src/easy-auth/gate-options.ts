import type http from "node:http";
import type { AppSettings, AuthSettings } from "./auth-settings.ts";
import type { CorsSettings } from "./cors.ts";
import type { Platform } from "./platform.ts";
import type { Switches } from "./switches.ts";

export interface GateOptions {
  readonly settings: AuthSettings;
  /** The app behind the gate, on this machine. */
  readonly upstream: string;
  /** Settings of the app that Easy Auth reads: the client secret, where users sign in; allowed tenants. */
  readonly appSettings?: AppSettings;
  /** The platform's CORS; default none, then preflights reach the app if they pass the gate. */
  readonly cors?: CorsSettings;
  /** Answers to undocumented behaviour of Easy Auth, in place of the defaults. */
  readonly switches?: Partial<Switches>;
  /**
   * Origin at which browsers reach the authority when it is not the authority's own: the emulator. Sign-ins lead there, and
   * so do the addresses at Entra in the app's problem+json.
   */
  readonly browserOrigin?: string;
  /** Port to listen on. Default 0: a free one. */
  readonly port?: number;
  /** Milliseconds that the app may take until it answers, and between two parts of an answer. Default 230,000. */
  readonly upstreamTimeoutMs?: number;
  /** Service whose Easy Auth is imitated. Default: App Service, which Functions share. */
  readonly platform?: Platform;
  /** True for a function app, whose `/admin` Easy Auth lets through: the host asks for its own keys there. */
  readonly isFunctionApp?: boolean;
  /** Name of the gate in log lines. Default: "Easy Auth at" and its address. */
  readonly name?: string;
  /**
   * Called with a line for each refusal, and for each failure whose answer has no details; never with a token. Default:
   * standard error.
   */
  readonly onError?: (line: string) => void;
  /** Called with each request to the app before it is sent, and with the client's request that is forwarded. */
  readonly onForward?: (outgoing: http.ClientRequest, request: http.IncomingMessage) => void;
  /** Called with the server before it listens. */
  readonly onServer?: (server: http.Server) => void;
}
