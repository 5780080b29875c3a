import { SettingsError } from "../src/settings/settings-error.ts";

/** Settings of the frontend, read from its environment once, at start. */
export interface Settings {
  /** Origin of the API, without a path or a slash at the end. */
  readonly backendUrl: string;
  readonly port: number;
}

export type Environment = Readonly<Partial<Record<"BACKEND_URL" | "PORT", string>>>;

/** Port without the setting `PORT`: the one that App Service expects where it does not set one. */
const DEFAULT_PORT = "8080";
const LOOPBACK_NAMES = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Parses the settings. Checks form only: whether the backend is there shows at the first request.
 *
 * @throws SettingsError
 */
export function readSettings(environment: Environment = process.env): Settings {
  const problems: string[] = [];
  const settings = { backendUrl: readBackendUrl(environment, problems), port: readPort(environment, problems) };
  if (problems.length > 0) throw new SettingsError("frontend", problems);
  return settings;
}

function readBackendUrl({ BACKEND_URL }: Environment, problems: string[]): string {
  const value = (BACKEND_URL ?? "").trim();
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const complaint = complaintAbout(value, url);
  if (complaint) problems.push(`BACKEND_URL ${complaint}`);
  return url?.origin ?? "";
}

function complaintAbout(value: string, url: URL | undefined): string | undefined {
  const example = "Use the API's address, for example https://my-api.azurewebsites.net";
  if (value === "") return `is missing. ${example}.`;
  if (!url) return `is not a URL. ${example}.`;
  const isLoopbackHttp = url.protocol === "http:" && LOOPBACK_NAMES.has(url.hostname);
  if (url.protocol !== "https:" && !isLoopbackHttp) {
    return `does not begin with https://, so users' tokens could be read on the way. ${example}; http:// is for localhost only.`;
  }
  if (url.username || url.password)
    return "holds a user name or password. Remove it, the user's token is the credential.";
  if (url.pathname !== "/" || url.search || url.hash) {
    return `has something after the host name. Use ${url.origin}; /api is added to it.`;
  }
  return undefined;
}

function readPort({ PORT }: Environment, problems: string[]): number {
  const value = PORT?.trim() || DEFAULT_PORT;
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) {
    problems.push("PORT is not a port. Use a number from 0 (any free port) to 65535, or remove it for 8080.");
  }
  return port;
}
