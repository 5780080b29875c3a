// undici publishes types for its main module only. The whole package takes twice as long to load as these two parts
// (docs/performance.md).
declare module "undici/lib/api/api-request.js" {
  import type { Dispatcher } from "undici";
  export default function request(
    this: Dispatcher,
    options: Dispatcher.RequestOptions,
  ): Promise<Dispatcher.ResponseData>;
}

declare module "undici/lib/global.js" {
  export { getGlobalDispatcher } from "undici";
}
