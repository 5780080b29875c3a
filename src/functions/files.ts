import { app } from "@azure/functions";
import { asUser, credentialFor, type Operation, storage } from "../app.ts";
import { openFiles, STORAGE_SCOPES } from "../files/container.ts";
import { FILE_PAGE, listFiles, PAGE_QUERY, pageFrom } from "../files/file-list.ts";

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

export const operation: Operation = {
  summary: "A page of the files that the user may see, in the order of their names",
  description: "Off (404 without problem+json) unless the app has a container of files: STORAGE_ACCOUNT_URL.",
  query: PAGE_QUERY,
  json: FILE_PAGE,
};
