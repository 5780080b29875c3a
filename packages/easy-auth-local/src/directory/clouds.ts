/** Entra's own origin: the issuer of all tokens, as it is in Azure. Only the signing keys are the emulator's. */
export const AUTHORITY_ORIGIN = "https://login.microsoftonline.com";
export const GRAPH_ORIGIN = "https://graph.microsoft.com";

/** The addresses of one of Microsoft's clouds. */
export interface Cloud {
  readonly authorityOrigin: string;
  /** Origin of the issuer in version 1 tokens. */
  readonly v1IssuerOrigin: string;
  readonly graphOrigin: string;
}

/** The clouds that the emulators stand for, each by its own names: https://learn.microsoft.com/graph/deployments */
export const CLOUDS: readonly [Cloud, ...Cloud[]] = [
  { authorityOrigin: AUTHORITY_ORIGIN, v1IssuerOrigin: "https://sts.windows.net", graphOrigin: GRAPH_ORIGIN },
  {
    authorityOrigin: "https://login.microsoftonline.us",
    v1IssuerOrigin: "https://sts.windows.net",
    graphOrigin: "https://graph.microsoft.us",
  },
  {
    authorityOrigin: "https://login.partner.microsoftonline.cn",
    v1IssuerOrigin: "https://sts.chinacloudapi.cn",
    graphOrigin: "https://microsoftgraph.chinacloudapi.cn",
  },
];

export const AUTHORITY_HOSTS: readonly string[] = CLOUDS.map(({ authorityOrigin }) => new URL(authorityOrigin).host);
export const GRAPH_HOSTS: readonly string[] = CLOUDS.map(({ graphOrigin }) => new URL(graphOrigin).host);

/** Returns the cloud whose authority has this origin; undefined for an address on this machine. */
export function cloudOf(authorityOrigin: string): Cloud | undefined {
  return CLOUDS.find((cloud) => cloud.authorityOrigin === authorityOrigin);
}

/** Returns the origin of Graph in the cloud that an authority belongs to. */
export function graphOriginOf(authorityOrigin: string): string {
  return (cloudOf(authorityOrigin) ?? CLOUDS[0]).graphOrigin;
}
