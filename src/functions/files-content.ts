import { app } from "@azure/functions";
import { asUser, credentialFor, storage } from "../app.ts";
import { openFiles, STORAGE_SCOPES } from "../files/container.ts";
import { linkResponse } from "../files/file-link.ts";
import { fileNameFrom } from "../files/file-name.ts";
import { relayResponse } from "../files/file-relay.ts";

// Its name comes after "files": the host tries routes in that order, and this one fits the list's address too.
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
