import { parseArgs } from "node:util";

/** One of these. */
interface Answer {
  readonly access_token: string;
  readonly accounts: readonly string[];
  /** Why there is none. */
  readonly detail: string;
}

/** `npm run --silent token -- [account]`: prints an access token for the API, as the frontend's sign-in would hold it. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { entra: { type: "string", default: "http://localhost:4282" } },
  });
  const [account = "works"] = positionals;
  const response = await fetch(`${values.entra}/emulator/token?account=${encodeURIComponent(account)}`).catch(() => {
    throw new Error(`Nothing answers at ${values.entra}. Start the local stack with: npm start`);
  });
  const answer = (await response.json()) as Partial<Answer>;
  if (answer.accounts) throw new Error(`No account ${account}. There are: ${answer.accounts.join(", ")}.`);
  if (!answer.access_token) throw new Error(answer.detail ?? `${values.entra} gave no token.`);
  process.stdout.write(`${answer.access_token}\n`);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
