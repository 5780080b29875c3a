import { describeFunctions } from "../functions-host/console-log.ts";
import { MISCONFIGURATIONS, type MisconfigurationName } from "../stack/misconfigurations.ts";
import type { Stack } from "../stack/stack.ts";
import type { TenantStack } from "../stack/tenant-stack.ts";

/** Returns what the command prints of a running stack; its last line begins with `Ready`. */
export function welcome(stack: Stack, misconfigure: MisconfigurationName | undefined): string {
  const { entraUrl, entraHttps, graphUrl, graphHttps, storage, certificateFile, overridden } = stack;
  const places = [
    ...appLines(stack),
    place("Entra ID emulator", [entraUrl, entraHttps?.url].filter(Boolean).join("  ")),
    place("Microsoft Graph emulator", [graphUrl, graphHttps?.url].filter(Boolean).join("  ")),
    ...(storage ? [place("Azure Storage emulator", `${storage.accountUrl}/${storage.container.containerName}`)] : []),
    ...hostLines(stack),
    ...(certificateFile === undefined ? [] : [place("Certificate of https", certificateFile)]),
    place("Trace of each request", `${entraUrl}/trace`),
  ];
  const accounts = stack.directory.accounts.map(({ key, shows = "" }) => `  ${key.padEnd(14)} ${shows}`);
  return [
    `\n${places.join("\n")}`,
    listed(stack),
    ...(overridden.length > 0 ? [`Set by the stack, not by your settings: ${overridden.join(", ")}\n`] : []),
    `Accounts to sign in as:\n${accounts.join("\n")}\n`,
    `Grant consent, revoke sessions, put the clock forward: ${entraUrl}`,
    ...(misconfigure === undefined
      ? []
      : [`\nMisconfigured, ${misconfigure}: ${MISCONFIGURATIONS[misconfigure].shows}`]),
    "",
    "A token for curl: npx easy-auth-local token [account]",
    'Other processes:  eval "$(npx easy-auth-local env)"',
    "",
    ready(stack),
  ].join("\n");
}

/** Returns what the command prints of apps that run with a real tenant. */
export function welcomeToTenant(stack: TenantStack): string {
  const places = [
    ...appLines(stack),
    ...hostLines(stack),
    place("Tenant", `${stack.tenantId}, at the real Microsoft Entra ID and Graph`),
  ];
  return `\n${places.join("\n")}\n${listed(stack)}\n${ready(stack)}`;
}

type Apps = Pick<Stack, "frontendUrl" | "apiUrl" | "functions" | "apps">;

function appLines({ frontendUrl, apiUrl }: Apps): string[] {
  return [
    ...(frontendUrl === "" ? [] : [place("Frontend, behind Easy Auth", frontendUrl)]),
    ...(apiUrl === "" ? [] : [place("API, behind Easy Auth", apiUrl)]),
  ];
}

function hostLines({ functions, apps: { api } }: Apps): string[] {
  return functions.url === "" ? [] : [place(api?.isFunctionApp ? "Functions host" : "API itself", functions.url)];
}

/** Returns the functions as `func start` prints them; under `func`, it prints them itself. */
function listed({ functions }: Apps): string {
  return functions.functions.length > 0 ? `\n${describeFunctions(functions.url, functions.functions)}` : "";
}

function ready({ frontendUrl, apiUrl }: Apps): string {
  const url = frontendUrl || apiUrl;
  return `Ready${url === "" ? "" : `: open ${url}`} (Ctrl-C stops everything)`;
}

function place(name: string, url: string): string {
  return `${name.padEnd(28)} ${url}`;
}
