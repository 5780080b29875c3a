import { app } from "@azure/functions";
import { asUser, graphFor } from "../app.ts";
import { getPhoto, sizeFrom } from "../downstream/graph/photo.ts";
import { bytesResponse } from "../http/conditional-response.ts";
import { parameterOf } from "../http/query.ts";

app.http("photo", {
  methods: ["GET", "HEAD"],
  authLevel: "anonymous",
  handler: asUser(["User.Read"], async (user, request) => {
    const photo = await getPhoto(graphFor(user), sizeFrom(parameterOf(request.query, "size")));
    return bytesResponse(request, new Uint8Array(await photo.arrayBuffer()), photo.type);
  }),
});
