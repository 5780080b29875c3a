import { app } from "@azure/functions";
import type { TelemetrySettings } from "../settings/telemetry.ts";
import { beginRecording, endRecording } from "./telemetry.ts";

/** Loads the exporter before the first request when a setting asks for one; sends what is left when the app ends. */
export function startTelemetry(settings: TelemetrySettings): void {
  if (!settings.azureMonitor && !settings.otlp) return;
  let stop = async () => {};
  app.hook.appStart(async () => {
    const { startExporter } = await import("./exporter.ts");
    stop = startExporter(settings);
    beginRecording();
  });
  app.hook.appTerminate(async () => {
    endRecording();
    await stop();
  });
}
