import { app } from "@azure/functions";
import { asUser, graphFor } from "../app.ts";
import { getPhoto, sizeFrom } from "../downstream/graph/photo.ts";
import { parameterOf } from "../http/query.ts";
import { revalidated } from "../http/revalidation.ts";

app.http("photo", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: asUser(["User.Read"], async (user, request) => {
    const { bytes, contentType } = await getPhoto(graphFor(user), sizeFrom(parameterOf(request.query, "size")));
    return revalidated(request, bytes, contentType);
  }),
});
