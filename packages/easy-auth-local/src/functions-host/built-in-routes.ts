import type { IncomingMessage, ServerResponse } from "node:http";
import { endEmpty } from "./kestrel.ts";

const HOME_PAGE = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Functions host</title></head>
<body><h1>The Functions host is running</h1><p>It has loaded your app.</p></body></html>
`;
/** Paths that the real host answers to holders of its master key, which this host does not have. */
const NEEDS_MASTER_KEY = /^\/(admin\/(host|functions)(\/|$)|runtime\/webhooks\/)/i;

/**
 * Answers requests that no function takes: the home page, `/admin/host/ping`, 401 for the rest of the admin API, else
 * 404.
 */
export function builtInAnswer({ method }: IncomingMessage, answer: ServerResponse, path: string): void {
  if (path === "/") {
    answer.setHeader("content-type", "text/html").end(HOME_PAGE);
  } else if (/^\/admin\/host\/ping$/i.test(path) && /^(GET|POST)$/.test(method ?? "")) {
    answer.setHeader("cache-control", "no-store,no-cache").setHeader("pragma", "no-cache");
    endEmpty(answer, 200);
  } else {
    endEmpty(answer, NEEDS_MASTER_KEY.test(path) ? 401 : 404);
  }
}
