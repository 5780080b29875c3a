export { SharedCache, type VerifiedBinding } from "./shared-cache.ts";
export type { EntryName, SharedStore } from "./store.ts";
