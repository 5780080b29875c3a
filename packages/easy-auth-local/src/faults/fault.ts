/** Service that a fault can affect. */
export type Service = "entra" | "graph";

/** Kinds of faults. */
export type Fault =
  | { readonly kind: "slow"; readonly delayMs: number }
  | { readonly kind: "hang" }
  | { readonly kind: "close" }
  | { readonly kind: "closeMidway" }
  | {
      readonly kind: "status";
      readonly status: number;
      /** The value of `Retry-After`; none without it. */
      readonly retryAfter?: string | number;
      /** Sent as JSON; default: no body. */
      readonly body?: unknown;
    }
  | {
      readonly kind: "entraError";
      /** The AADSTS number. */
      readonly number: number;
      /** The OAuth error. */
      readonly error: string;
      readonly suberror?: string;
      /** The JSON of a claims request. */
      readonly claims?: string;
    }
  | {
      readonly kind: "graphError";
      readonly status: number;
      readonly code: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: "truncatedJson" }
  | { readonly kind: "html"; readonly status?: 200 | 502 }
  | { readonly kind: "emptyToken"; readonly missing?: boolean }
  | {
      readonly kind: "wrongContentType";
      /** Default `text/plain`; none when empty. */
      readonly contentType?: string;
    }
  | {
      readonly kind: "redirect";
      /** An address on this machine, or Graph's. */
      readonly location: string;
    }
  | { readonly kind: "hugeBody" }
  | {
      readonly kind: "compressed";
      /** Default `gzip`. */
      readonly coding?: "gzip" | "deflate" | "br";
    };

/** A fault, and the requests that it affects. */
export interface FaultRule {
  readonly service: Service;
  /** Key of an account: only requests for that user, by the token or assertion they carry. Default: every request. */
  readonly account?: string;
  /** Prefix of the paths that match. Default: every path but the emulator's own: `/`, `/trace`, `/emulator/`. */
  readonly path?: string;
  /** Number of requests that it affects. Default: all, until it is cleared. */
  readonly times?: number;
  readonly fault: Fault;
}
