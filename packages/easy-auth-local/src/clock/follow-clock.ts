import http from "node:http";
import { startClock } from "./clock.ts";

const ANSWER_WITHIN_MS = 1000;

/**
 * Makes this process follow the clock of a stack in another process, as long as that runs. Resolves when the two agree,
 * or when the stack does not tell the time. Does not keep the process alive.
 */
export function followClock(entraUrl: string): Promise<void> {
  const clock = startClock();
  return new Promise((resolve) => {
    const request = http.get(`${entraUrl}/emulator/clock/advances`, { timeout: ANSWER_WITHIN_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("error", () => {});
      response.on("data", (chunk: string) => {
        const lines = (text + chunk).split("\n");
        text = lines.pop() ?? "";
        const behind = Number(lines.at(-1)) - clock.advancedSeconds;
        if (behind > 0) clock.advance(behind);
        request.setTimeout(0);
        response.socket.unref();
        resolve();
      });
      response.on("close", resolve);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve());
  });
}
