import { routeMicrosoftOrigins, startFunctionsHost } from "easy-auth-local/parts";
import { ROOT } from "../support/command.ts";
import { ENVIRONMENT } from "../support/exchange.ts";

/** `node --import tsx run-instance.ts <fake Microsoft> <shared cache>` runs the built app as one instance of several, and prints its address. */
const [microsoft = "", sharedCache = ""] = process.argv.slice(2);

routeMicrosoftOrigins({ entra: microsoft, graph: microsoft });
const settings = { ...(ENVIRONMENT as Record<string, string>), SHARED_CACHE_URL: sharedCache };
const { url } = await startFunctionsHost({ appRoot: `${ROOT}dist/api`, settings });
process.stdout.write(`Listening on ${url}\n`);
