// undici publishes types for its front door only. The whole package takes 48 ms to load, these two parts 23 ms
// (docs/performance.md).
declare module "undici/lib/api/api-request.js" {
  import type { Dispatcher } from "undici";
  export default function request(
    this: Dispatcher,
    options: Dispatcher.RequestOptions,
  ): Promise<Dispatcher.ResponseData>;
}

declare module "undici/lib/global.js" {
  import type { Dispatcher } from "undici";
  export function getGlobalDispatcher(): Dispatcher;
}
