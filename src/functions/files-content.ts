import { app } from "@azure/functions";
import { asUser, filesFor, hasFiles, turnOnStreaming } from "../app.ts";
import { STORAGE_SCOPES } from "../files/container.ts";
import { fileResponse } from "../files/file.ts";
import { fileRequestFrom } from "../files/file-request.ts";

// Its name comes after "files": the host tries routes in that order, and this one fits the list's address too.
if (hasFiles) {
  turnOnStreaming();
  app.http("files-content", {
    methods: ["GET"],
    authLevel: "anonymous",
    route: "files/{*name}",
    handler: asUser(STORAGE_SCOPES, async (user, request) => {
      const wanted = fileRequestFrom(request.params.name ?? "", request.headers);
      return fileResponse(await filesFor(user), wanted, user.deadline.signal);
    }),
  });
}
