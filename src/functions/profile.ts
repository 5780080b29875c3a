import { app } from "@azure/functions";
import { asUser, graphFor, type Operation } from "../app.ts";
import { getProfile, PROFILE, SELECT, selectFrom } from "../downstream/graph/profile.ts";
import { parameterOf } from "../http/query.ts";

app.http("profile", {
  methods: ["GET", "HEAD"],
  authLevel: "anonymous",
  handler: asUser(["User.Read"], async (user, request) => {
    const select = selectFrom(parameterOf(request.query, "select"));
    return { jsonBody: await getProfile(graphFor(user), select) };
  }),
});

export const operation: Operation = { summary: "The user's profile", query: { select: SELECT }, json: PROFILE };
