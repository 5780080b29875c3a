import { app } from "@azure/functions";
import { asUser, graphFor, type Operation } from "../app.ts";
import { getPhoto, SIZE, sizeFrom } from "../downstream/graph/photo.ts";
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

export const operation: Operation = {
  summary: "The user's photo",
  query: { size: SIZE },
  bytes: "image/*",
  problems: { not_found: "The user has no photo, or none of that size." },
};
