import { routeMicrosoftOrigins, startFunctionsHost } from "easy-auth-local/parts";

/** `node run-instance.mjs <fake Microsoft> <folder> <settings>` runs the built app as one instance of several, and prints its address. */
const [microsoft = "", appRoot = "", settings = "{}"] = process.argv.slice(2);

routeMicrosoftOrigins({ entra: microsoft, graph: microsoft });
const { url } = await startFunctionsHost({ appRoot, settings: JSON.parse(settings) });
process.stdout.write(`Listening on ${url}\n`);
