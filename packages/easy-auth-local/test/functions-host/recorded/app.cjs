const { app } = require("@azure/functions");

if (process.env.STREAM === "1") app.setup({ enableHttpStream: true });

function http(name, handler, options = {}) {
  app.http(name, { authLevel: "anonymous", methods: ["GET", "POST"], handler, ...options });
}

async function seen(request) {
  const { method, url, params } = request;
  const length = request.body ? (await request.arrayBuffer()).byteLength : null;
  return { jsonBody: { method, url, params, query: [...request.query], headers: [...request.headers], length } };
}

async function sleep(request) {
  await new Promise((resolve) => setTimeout(resolve, Number(request.query.get("ms"))));
  return { body: "slept" };
}

function headersOut(request) {
  const fixed = { "x-frame-options": "SAMEORIGIN", "strict-transport-security": "max-age=1" };
  return { headers: { ...fixed, "x-out": request.query.get("v") }, body: "h" };
}

http("open", seen, { route: "open/{*rest}" });
http("any", seen, { methods: ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] });
http("reserved", seen, { route: "adminonly" });
http("sleep", sleep);
http("size", async (request) => ({ jsonBody: { length: (await request.arrayBuffer()).byteLength } }), {
  methods: ["POST"],
});
http("ignores", () => ({ body: "ignored" }));
http("headersOut", headersOut);
http("alpha", seen, { route: "c/{x:alpha:maxlength(3)}" });
http("opt", seen, { route: "o/{a?}/{b?}" });
http("lit", () => ({ body: "literal" }), { route: "c/lit" });
http("two", () => ({ body: "params" }), { route: "t/{a}" });
http("twoLit", () => ({ body: "literal" }), { route: "t/lit" });
