import { app } from "@azure/functions";
import { asUser, filesFor, hasFiles } from "../app.ts";
import { STORAGE_SCOPES } from "../files/container.ts";
import { listFiles, pageFrom } from "../files/file-list.ts";

if (hasFiles) {
  app.http("files", {
    methods: ["GET", "HEAD"],
    authLevel: "anonymous",
    handler: asUser(STORAGE_SCOPES, async (user, request) => {
      const page = pageFrom(request.query);
      return { jsonBody: await listFiles((await filesFor(user)).container, page, user.deadline.signal) };
    }),
  });
}
