import { answerInProcess } from "./fake-dispatcher.ts";
import { requestOf } from "./rpc-request.ts";
import { loadFunction } from "./v4-frame.ts";

const USERS = 200;

/** Sends requests to a built app in this process, `concurrency` at a time: `<bundle> <concurrency> <requests>`. */
async function serve(bundle: string, concurrency: number, requests: number): Promise<void> {
  const { assertions } = await answerInProcess(USERS);
  const { call } = await loadFunction(bundle, "profile");
  let next = 0;
  const send = async () => {
    while (next < requests) {
      next += 1;
      const { statusCode } = await call(requestOf(assertions[next % USERS] ?? ""));
      if (statusCode !== "200") throw new Error(`A request was answered ${statusCode}.`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, send));
}

const [bundle = "", concurrency, requests] = process.argv.slice(2);
serve(bundle, Number(concurrency), Number(requests)).then(
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
