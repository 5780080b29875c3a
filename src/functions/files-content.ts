import { app } from "@azure/functions";
import { asUser, credentialFor, type Operation, storage } from "../app.ts";
import { openFiles, STORAGE_SCOPES } from "../files/container.ts";
import { linkResponse } from "../files/file-link.ts";
import { fileNameFrom } from "../files/file-name.ts";
import { relayResponse } from "../files/file-relay.ts";

// The host tries routes in the order of their functions' names. This one fits the list's address too, so it comes after "files".
const location = storage;
if (location) {
  app.http("files-content", {
    methods: ["GET", "HEAD"],
    authLevel: "anonymous",
    route: "files/{*name}",
    handler: asUser(STORAGE_SCOPES, async (user, request) => {
      const name = fileNameFrom(request.params.name);
      const files = await openFiles(location, credentialFor(user));
      return files.delivery === "relay" ? relayResponse(files, request, name, user) : linkResponse(files, name, user);
    }),
  });
}

export const operation: Operation = {
  summary: "A file, or a link to it in Storage that the user signs",
  description: "Off (404 without problem+json) unless the app has a container of files: STORAGE_ACCOUNT_URL.",
  bytes: "*/*",
  responses: { 302: { description: "Location: the file in Storage, for five minutes at most" } },
  problems: { conflict: "The file is archived." },
};
