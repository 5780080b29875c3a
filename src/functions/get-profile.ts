import { app } from "@azure/functions";
import { asUser, graphFor, type Operation } from "../app.ts";
import { getProfile, PROFILE } from "../downstream/graph/profile.ts";

/** The profile as the frontend of Microsoft's tutorial expects it, with `BACKEND_URL=https://<app>/api`. */
app.http("get-profile", {
  methods: ["GET", "HEAD"],
  authLevel: "anonymous",
  handler: asUser(["User.Read"], async (user) => ({ jsonBody: { profile: await getProfile(graphFor(user)) } })),
});

export const operation: Operation = {
  summary: "The user's profile, as the frontend of Microsoft's tutorial expects it",
  json: { type: "object", required: ["profile"], properties: { profile: PROFILE } },
};
