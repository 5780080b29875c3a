import openapiTypes, { astToString } from "openapi-typescript";

/** Path of the types of the API, in the folder that other pages copy. */
export const TYPES_FILE = "frontend/page/client/api.d.ts";

const HEAD = `// Made by "npm run openapi" from what the endpoints declare. A test fails when it is out of date.\n\n`;

/** End of a description that names scopes. Types omit it: no client needs it, and a new scope then changes no type. */
const SCOPES = / ?On behalf of the user: [^"]*(?=")/g;

/** Returns the types of an OpenAPI document, given as JSON: a declaration file with \`paths\` and \`components\`. */
export async function typesOf(document: string): Promise<string> {
  return HEAD + astToString(await openapiTypes(document.replaceAll(SCOPES, ""), { immutable: true }));
}
