import type http from "node:http";
import type { Directory } from "../directory/directory.ts";
import type { AnsweredRequest } from "../http/router.ts";
import type { Faults } from "./faults.ts";

/** Options that Entra and Graph have in common. */
export interface ServiceOptions {
  readonly directory: Directory;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Default 0: a free one. */
  readonly httpsPort?: number;
  /** Default: none. */
  readonly faults?: Faults;
  /** Called with every request, once it has an answer. */
  readonly onAnswered?: (answered: AnsweredRequest) => void;
  /** Called with each server before it listens. */
  readonly onServer?: (server: http.Server) => void;
}
