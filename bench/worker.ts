import { inspect } from "node:util";

/** What a worker sends back. */
export type WorkerReply = { readonly result: unknown } | { readonly failure: string };

/** The worker's half of `WorkerProcess`: answers each message in turn, and ends with the process that started it. */
export function answerMessages<Message>(answer: (message: Message) => Promise<unknown>): void {
  const reply = (content: WorkerReply) => process.send?.(content);
  process.on("message", (message) => {
    answer(message as Message).then(
      (result) => reply({ result }),
      (error) => reply({ failure: inspect(error) }),
    );
  });
  process.once("disconnect", () => process.exit());
}
