import { app } from "@azure/functions";
import { asUser, credentialFor, storage } from "../app.ts";
import { openFiles, STORAGE_SCOPES } from "../files/container.ts";
import { listFiles, pageFrom } from "../files/file-list.ts";

const location = storage;
if (location) {
  app.http("files", {
    methods: ["GET", "HEAD"],
    authLevel: "anonymous",
    handler: asUser(STORAGE_SCOPES, async (user, request) => {
      const page = pageFrom(request.query);
      const { container } = await openFiles(location, credentialFor(user));
      return { jsonBody: await listFiles(container, page, user.deadline.signal) };
    }),
  });
}
