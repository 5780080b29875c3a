import { routingEnvironment } from "../routing/child-environment.ts";
import type { RunningStack } from "./running-stack.ts";

/** Returns the lines that `eval "$(easy-auth-local env)"` takes, and for other runtimes what to do, as comments. */
export function environmentLines(running: RunningStack): string {
  const { certificateFile, entraHttpsUrl, graphHttpsUrl } = running;
  const lines = Object.entries(routingEnvironment(running)).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const comments =
    certificateFile === undefined || entraHttpsUrl === undefined
      ? ["Other runtimes need the https listeners: start the stack with --https, and run this again."]
      : otherRuntimes(quoted(certificateFile), entraHttpsUrl, graphHttpsUrl ?? "");
  return [...lines, ...comments.map((comment) => `# ${comment.replaceAll(/[\r\n]/g, " ")}`), ""].join("\n");
}

function otherRuntimes(file: string, entra: string, graph: string): readonly string[] {
  return [
    `Entra: ${entra}   Graph: ${graph}   certificate: ${file}`,
    `Node without the lines above:  export NODE_EXTRA_CA_CERTS=${file}`,
    `curl:      curl --cacert ${file} ${entra}/common/v2.0/.well-known/openid-configuration`,
    `.NET:      export SSL_CERT_FILE=${file}        (Linux; Windows and macOS: add it to the trusted roots)`,
    `Python:    export SSL_CERT_FILE=${file} REQUESTS_CA_BUNDLE=${file}`,
    `Java:      keytool -importcert -noprompt -alias easy-auth-local -file ${file} -keystore trust.p12 -storepass changeit`,
    "           java -Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit ...",
    `Chromium:  certutil -d sql:$HOME/.pki/nssdb -A -t P,, -n easy-auth-local -i ${file}`,
  ];
}

/** Quotes a value for a POSIX shell. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
