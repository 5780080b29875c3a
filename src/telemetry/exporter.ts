import type { TokenCredential } from "@azure/core-auth";
import { AzureMonitorMetricExporter, AzureMonitorTraceExporter } from "@azure/monitor-opentelemetry-exporter";
import { ManagedIdentityApplication } from "@azure/msal-node";
import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from "@opentelemetry/sdk-trace-node";
import type { TelemetrySettings } from "../settings/telemetry.ts";

/**
 * Sends spans and measurements to Application Insights, to an OTLP collector, or to both, in batches and in the background.
 * A bundle of its own, loaded only when a setting asks for it: it takes longer to load than all the rest. The Functions host
 * exports the logs (`telemetryMode` in host.json). Variables that OpenTelemetry's own parts read:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 *
 * @returns a function that sends what is left and stops
 */
export function startExporter(settings: TelemetrySettings): () => Promise<void> {
  const exporters = azureMonitorExporters(settings);
  if (settings.otlp) exporters.push([new OTLPTraceExporter(), new OTLPMetricExporter()]);
  // The name that the host's own telemetry has too: https://opentelemetry.io/docs/specs/semconv/resource/#service
  const resource = resourceFromAttributes({ "service.name": settings.serviceName });
  const spanProcessors = exporters.map(([spans]) => new BatchSpanProcessor(spans));
  const tracing = new NodeTracerProvider({ resource, spanProcessors });
  const measuring = new MeterProvider({
    resource,
    readers: exporters.map(([, exporter]) => new PeriodicExportingMetricReader({ exporter })),
  });
  tracing.register();
  metrics.setGlobalMeterProvider(measuring);
  return async () => {
    await Promise.allSettled([tracing.shutdown(), measuring.shutdown()]);
    trace.disable();
    metrics.disable();
    propagation.disable();
    context.disable();
  };
}

function azureMonitorExporters({ azureMonitor }: TelemetrySettings): [SpanExporter, PushMetricExporter][] {
  if (!azureMonitor) return [];
  const { connectionString, identity } = azureMonitor;
  // Telemetry that cannot be sent is dropped, not written to the disk.
  const options = {
    connectionString,
    disableOfflineStorage: true,
    ...(identity && { credential: credentialOf(identity.clientId) }),
  };
  return [[new AzureMonitorTraceExporter(options), new AzureMonitorMetricExporter(options)]];
}

/** Makes a credential of the app's managed identity. MSAL keeps its token until shortly before its end. */
function credentialOf(clientId: string | undefined): TokenCredential {
  const application = new ManagedIdentityApplication(
    clientId === undefined ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } },
  );
  return {
    getToken: async (scopes) => {
      const resource = String(scopes).replace(/\/\.default$/, "");
      const { accessToken, expiresOn } = await application.acquireToken({ resource });
      return { token: accessToken, expiresOnTimestamp: expiresOn?.getTime() ?? 0 };
    },
  };
}
