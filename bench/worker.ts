import { inspect } from "node:util";

/** A worker's reply to one message. */
export type WorkerReply = { readonly result: unknown } | { readonly failure: string };

/** Answers the messages of `WorkerProcess` in its child process; exits with the process that started it. */
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
