import tls from "node:tls";

/** Routes this process's new TLS connections for a host to a port of `localhost`. Returns a function that undoes it. */
export function routeTlsHost(host: string, port: number): () => void {
  const { connect } = tls;
  tls.connect = ((options: tls.ConnectionOptions, ...rest: unknown[]) => {
    const isRouted = options.host === host;
    const routed = isRouted ? { ...options, host: "localhost", servername: "localhost", port } : options;
    return Reflect.apply(connect, tls, [routed, ...rest]);
  }) as typeof tls.connect;
  return () => {
    tls.connect = connect;
  };
}
