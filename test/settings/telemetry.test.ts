import { describe, expect, test } from "vitest";
import { readTelemetry } from "../../src/settings/telemetry.ts";

const CONNECTION = "InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=https://in.example/";
const IDENTITY = "22223333-cccc-4444-dddd-5555eeee6666";

function problemsOf(environment: Parameters<typeof readTelemetry>[0]): readonly string[] {
  const problems: string[] = [];
  readTelemetry(environment, problems);
  return problems.map((problem) => problem.split(" ")[0] ?? "");
}

describe("the settings for telemetry", () => {
  test.each([{}, { APPLICATIONINSIGHTS_CONNECTION_STRING: " ", OTEL_EXPORTER_OTLP_ENDPOINT: "" }])(
    "send nothing anywhere when they are %j",
    (environment) => {
      const problems: string[] = [];
      expect(readTelemetry(environment, problems)).toEqual({ serviceName: "functions-on-behalf-of", otlp: false });
      expect(problems).toEqual([]);
    },
  );

  test("name Application Insights, the identity it asks for, and the app as App Service calls it", () => {
    const settings = readTelemetry(
      {
        APPLICATIONINSIGHTS_CONNECTION_STRING: CONNECTION,
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `ClientId=${IDENTITY};Authorization=AAD`,
        WEBSITE_SITE_NAME: "func-api-x",
      },
      [],
    );
    const azureMonitor = { connectionString: CONNECTION, identity: { clientId: IDENTITY } };
    expect(settings).toEqual({ serviceName: "func-api-x", otlp: false, azureMonitor });
  });

  test("accept Authorization=AAD for the app's own identity", () => {
    const environment = {
      APPLICATIONINSIGHTS_CONNECTION_STRING: CONNECTION,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: "Authorization=AAD",
    };
    expect(readTelemetry(environment, []).azureMonitor?.identity).toEqual({});
  });

  test.each(["InstrumentationKey=", "IngestionEndpoint=https://in.example/", "not one"])(
    "refuse the connection string %j",
    (connection) => {
      expect(problemsOf({ APPLICATIONINSIGHTS_CONNECTION_STRING: connection })).toEqual([
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
      ]);
    },
  );

  test.each(["AAD", `ClientId=${IDENTITY}`, "Authorization=Key", "ClientId=me;Authorization=AAD"])(
    "refuse the authentication string %j",
    (authentication) => {
      const environment = {
        APPLICATIONINSIGHTS_CONNECTION_STRING: CONNECTION,
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: authentication,
      };
      expect(problemsOf(environment)).toEqual(["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]);
    },
  );

  test.each(["localhost:4318", "collector", "ftp://collector.example"])("refuse the collector %j", (endpoint) => {
    expect(problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual(["OTEL_EXPORTER_OTLP_ENDPOINT"]);
  });
});
