import { GUID, textOf, urlOf, type Variables } from "./values.ts";

/** Destinations of spans and measurements; none, unless a setting names one. */
export interface TelemetrySettings {
  /** Application Insights, with an identity when it requires one. */
  readonly azureMonitor?: {
    readonly connectionString: string;
    readonly identity?: { readonly clientId?: string };
  };
  /** Name of this app in its telemetry. */
  readonly serviceName: string;
  /** Whether a collector takes OpenTelemetry's own protocol; the exporter itself reads its address and headers. */
  readonly otlp: boolean;
}

export const TELEMETRY_SETTING_NAMES = [
  "APPLICATIONINSIGHTS_CONNECTION_STRING",
  "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
] as const;

/** The variables that are read: the settings, and the app's name, which the platform sets. */
type TelemetryEnvironment = Variables<(typeof TELEMETRY_SETTING_NAMES)[number] | "WEBSITE_SITE_NAME">;

/**
 * Reads the destinations of telemetry. Source:
 * https://learn.microsoft.com/azure/azure-functions/functions-app-settings#applicationinsights_authentication_string
 */
export function readTelemetry(environment: TelemetryEnvironment, problems: string[]): TelemetrySettings {
  const endpoint = textOf(environment, "OTEL_EXPORTER_OTLP_ENDPOINT");
  if (endpoint !== "" && !/^https?:$/.test(urlOf(endpoint)?.protocol ?? "")) {
    problems.push(
      "OTEL_EXPORTER_OTLP_ENDPOINT is not an address. Use one such as http://localhost:4318, or remove it.",
    );
  }
  const connectionString = textOf(environment, "APPLICATIONINSIGHTS_CONNECTION_STRING");
  const serviceName = environment.WEBSITE_SITE_NAME ?? "functions-on-behalf-of";
  const otlp = endpoint !== "";
  if (connectionString === "") return { serviceName, otlp };
  if (!/(^|;)InstrumentationKey=[0-9a-f-]{36}(;|$)/i.test(connectionString)) {
    problems.push(
      "APPLICATIONINSIGHTS_CONNECTION_STRING has no instrumentation key. Copy the connection string of the Application " +
        "Insights resource, or remove the setting.",
    );
  }
  const identity = readIdentity(environment, problems);
  return { serviceName, otlp, azureMonitor: { connectionString, ...(identity && { identity }) } };
}

function readIdentity(environment: TelemetryEnvironment, problems: string[]): { clientId?: string } | undefined {
  const value = textOf(environment, "APPLICATIONINSIGHTS_AUTHENTICATION_STRING");
  if (value === "") return undefined;
  const parts = Object.fromEntries(value.split(";").map((part) => part.split("=", 2).map((text) => text.trim())));
  if (parts.Authorization !== "AAD" || (parts.ClientId !== undefined && !GUID.test(parts.ClientId.toLowerCase()))) {
    problems.push(
      "APPLICATIONINSIGHTS_AUTHENTICATION_STRING is malformed. Use Authorization=AAD, or " +
        "ClientId=<client id of the identity>;Authorization=AAD.",
    );
  }
  return parts.ClientId === undefined ? {} : { clientId: parts.ClientId };
}
