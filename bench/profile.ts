import { GRAPH_ORIGIN } from "easy-auth-local";

/** Graph's answer to /me: https://learn.microsoft.com/graph/api/user-get#response */
export const PROFILE = Buffer.from(
  JSON.stringify({
    "@odata.context": `${GRAPH_ORIGIN}/v1.0/$metadata#users/$entity`,
    businessPhones: ["+1 425 555 0109"],
    displayName: "Adele Vance",
    givenName: "Adele",
    jobTitle: "Retail Manager",
    mail: "adele.vance@contoso.example",
    mobilePhone: "+1 425 555 0187",
    officeLocation: "18/2111",
    preferredLanguage: "en-US",
    surname: "Vance",
    userPrincipalName: "adele.vance@contoso.example",
    id: "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb",
  }),
);
/** Headers that Graph sends with it. */
export const PROFILE_HEADERS = {
  "content-type": "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
  "content-length": String(PROFILE.length),
  "cache-control": "no-cache",
  "strict-transport-security": "max-age=31536000",
  "request-id": "00000000-0000-4000-8000-000000000000",
  "odata-version": "4.0",
};
