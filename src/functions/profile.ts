import { app } from "@azure/functions";
import { asUser, graphFor } from "../app.ts";
import { getProfile, selectFrom } from "../downstream/graph/profile.ts";
import { parameterOf } from "../http/query.ts";

app.http("profile", {
  methods: ["GET", "HEAD"],
  authLevel: "anonymous",
  handler: asUser(["User.Read"], async (user, request) => {
    const select = selectFrom(parameterOf(request.query, "select"));
    return { jsonBody: await getProfile(graphFor(user), select) };
  }),
});
