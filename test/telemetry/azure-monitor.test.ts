import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createCertificate } from "easy-auth-local/parts";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TelemetrySettings } from "../../src/settings/telemetry.ts";
import { type Collector, startCollector } from "../support/collector.ts";
import { startIdentityEndpoint } from "../support/identity-endpoint.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const IDENTITY = "22223333-cccc-4444-dddd-5555eeee6666";

/** Runs in a process of its own, since a process fixes its trusted certificates at its start. */
const SEND_ONE_SPAN = `
  const { startExporter } = await import("./dist/api/exporter.mjs");
  const { trace } = await import("@opentelemetry/api");
  const stop = startExporter(JSON.parse(process.argv[1]));
  trace.getTracer("test").startSpan("verify").end();
  stop();
`;

let folder: string;
let certificate: Awaited<ReturnType<typeof createCertificate>>;
let ingestion: Collector;

async function sendOneSpan(identity?: { clientId: string }, url = ingestion.url): Promise<void> {
  const connectionString = `InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=${url}/`;
  const settings: TelemetrySettings = {
    serviceName: "the-app",
    otlp: false,
    azureMonitor: { connectionString, ...(identity && { identity }) },
  };
  // Without this, the exporter reports on itself, to Microsoft.
  const environment = {
    NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"),
    APPLICATION_INSIGHTS_NO_STATSBEAT: "true",
    TMPDIR: temporary(),
  };
  await promisify(execFile)(process.execPath, ["--input-type=module", "-e", SEND_ONE_SPAN, JSON.stringify(settings)], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    timeout: 30_000,
  });
}

function temporary(): string {
  return join(folder, "tmp");
}

function spans(): readonly {
  readonly authorization: string | undefined;
  readonly name: string;
  readonly role: string;
}[] {
  return ingestion.received.flatMap(({ authorization, body }) =>
    (JSON.parse(body) as Envelope[])
      .filter(({ data }) => data.baseType === "RemoteDependencyData")
      .map(({ data, tags }) => ({ authorization, name: data.baseData.name, role: tags["ai.cloud.role"] ?? "" })),
  );
}

interface Envelope {
  readonly tags: Readonly<Record<string, string>>;
  readonly data: { readonly baseType: string; readonly baseData: { readonly name: string } };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "azure-monitor-"));
  certificate = await createCertificate();
  await writeFile(join(folder, "ca.pem"), certificate.cert);
  await mkdir(temporary());
  ingestion = await startCollector(certificate);
});

afterAll(async () => {
  await ingestion?.close();
  await rm(folder, { recursive: true, force: true });
});

test("Application Insights gets the spans under the app's name", async () => {
  await sendOneSpan();
  expect(spans()).toEqual([{ authorization: undefined, name: "verify", role: "the-app" }]);
});

test("Application Insights gets the spans with the app's identity if it requires one", async () => {
  const identity = await startIdentityEndpoint(IDENTITY);
  try {
    await sendOneSpan({ clientId: IDENTITY });
    expect(identity.asked[0]?.query.get("resource")).toBe("https://monitor.azure.com");
    expect(spans().at(-1)).toMatchObject({ authorization: "Bearer identity-token", name: "verify" });
  } finally {
    await identity.close();
  }
});

test("refused telemetry is dropped, and never written to the disk", async () => {
  const refusing = await startCollector(certificate, 403);
  try {
    await sendOneSpan(undefined, refusing.url);
    expect(refusing.received).not.toEqual([]);
    expect(await readdir(temporary(), { recursive: true })).toEqual([]);
  } finally {
    await refusing.close();
  }
});
