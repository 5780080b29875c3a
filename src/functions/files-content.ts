import { app } from "@azure/functions";
import { asUser, filesFor, hasFiles } from "../app.ts";
import { STORAGE_SCOPES } from "../files/container.ts";
import { linkResponse } from "../files/file-link.ts";
import { fileNameFrom } from "../files/file-name.ts";
import { relayResponse } from "../files/file-relay.ts";

// Its name comes after "files": the host tries routes in that order, and this one fits the list's address too.
if (hasFiles) {
  app.http("files-content", {
    methods: ["GET", "HEAD"],
    authLevel: "anonymous",
    route: "files/{*name}",
    handler: asUser(STORAGE_SCOPES, async (user, request) => {
      const name = fileNameFrom(request.params.name);
      const files = await filesFor(user);
      const { expiresAt, objectId, tenantId, deadline } = user;
      if (files.delivery === "redirect") return linkResponse(files, { name, expiresAt, signal: deadline.signal });
      return relayResponse(files, request, { name, userId: `${tenantId} ${objectId}`, signal: deadline.signal });
    }),
  });
}
