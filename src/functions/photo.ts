import { app } from "@azure/functions";
import { asUser, graphFor } from "../app.ts";
import { getPhoto, sizeFrom } from "../downstream/graph/photo.ts";
import { revalidated } from "../http/revalidation.ts";

app.http("photo", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: asUser(["User.Read"], async (user, request) => {
    const { bytes, contentType } = await getPhoto(graphFor(user), sizeFrom(request.query));
    return revalidated(request, bytes, contentType);
  }),
});
