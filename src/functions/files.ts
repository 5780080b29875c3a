import { app } from "@azure/functions";
import { asUser, filesFor, hasFiles } from "../app.ts";
import { STORAGE_SCOPES } from "../storage/container.ts";
import { listFiles, pageFrom } from "../storage/file-list.ts";

if (hasFiles) {
  app.http("files", {
    methods: ["GET"],
    authLevel: "anonymous",
    handler: asUser(STORAGE_SCOPES, async (user, request) => {
      const page = pageFrom(request.query);
      return { jsonBody: await listFiles(await filesFor(user), page, user.deadline.signal) };
    }),
  });
}
