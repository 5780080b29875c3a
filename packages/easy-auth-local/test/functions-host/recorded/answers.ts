import { readFileSync } from "node:fs";

/** One step of a client. Text stands for bytes as Latin-1, and `<a × 9000>` for that many letters. */
export type Step =
  | { readonly bytes: string }
  /** Pause in milliseconds. */
  | { readonly pause: number }
  | { readonly repeat: string; readonly times: number };

/** Answer of a host, without headers about the connection and the framing. */
export interface RecordedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed value of a JSON object, otherwise text. */
  readonly body: unknown;
}

/** Everything that a host answered to one connection. */
export type Recorded = "no answer" | { readonly answers: readonly RecordedAnswer[]; readonly open: boolean };

/** Requests of one connection, and what Azure Functions host 4.1037 with the Node worker 3.9.1 answered. */
export interface RecordedConversation {
  readonly name: string;
  readonly steps: readonly Step[];
  /** Whether the client closes its side after the last step. */
  readonly thenEndsSending: boolean;
  readonly rpc: Recorded;
  readonly streaming: Recorded;
}

interface Line {
  readonly name: string;
  readonly request: string | readonly Step[];
  readonly thenEndsSending?: boolean;
  readonly rpc: StoredAnswers;
  /** Missing if it equals `rpc`. */
  readonly streaming?: StoredAnswers;
}
type StoredAnswers = "no answer" | { readonly answers: readonly Partial<RecordedAnswer>[]; readonly open: boolean };

/** Reads the recorded answers. */
export function readRecorded(): RecordedConversation[] {
  const lines = readFileSync(new URL("./answers.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n");
  return lines.map((text) => {
    const { name, request, thenEndsSending = false, rpc, streaming = rpc }: Line = JSON.parse(text);
    const steps = typeof request === "string" ? [{ bytes: request }] : request;
    return { name, steps, thenEndsSending, rpc: complete(rpc), streaming: complete(streaming) };
  });
}

function complete(stored: StoredAnswers): Recorded {
  if (stored === "no answer") return stored;
  const answers = stored.answers.map(({ status = 0, headers = {}, body = "" }) => ({ status, headers, body }));
  return { answers, open: stored.open };
}
