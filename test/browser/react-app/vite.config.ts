import { defineConfig } from "vite";

/** The frontend's gate of the local stack. */
const STACK = "http://localhost:4280";

export default defineConfig({
  server: {
    proxy: {
      // xfwd tells the gate the browser's address, so that a sign-in leads back here and a POST counts as the site's own.
      "^/(api|\\.auth|session)(/|\\?|$)": { target: STACK, xfwd: true },
    },
  },
  // The content security policy of the frontend's server forbids data: URLs.
  build: { assetsInlineLimit: 0 },
});
