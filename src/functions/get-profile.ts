import { app } from "@azure/functions";
import { asUser, graphFor } from "../app.ts";
import { getProfile } from "../downstream/graph/profile.ts";

/** The profile by the route and in the shape that the frontend of Microsoft's tutorial expects, with `BACKEND_URL=https://<app>/api`. */
app.http("get-profile", {
  methods: ["GET", "HEAD"],
  authLevel: "anonymous",
  handler: asUser(["User.Read"], async (user) => ({ jsonBody: { profile: await getProfile(graphFor(user)) } })),
});
