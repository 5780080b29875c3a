/** Throws in Azure App Service: the emulators answer to anyone who asks. */
export function refuseInAzure(): void {
  const marker = ["WEBSITE_INSTANCE_ID", "WEBSITE_SITE_NAME"].find((name) => process.env[name] !== undefined);
  if (marker) throw new Error(`The emulators do not start in Azure App Service (${marker} is set).`);
}
