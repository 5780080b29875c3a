// The build makes an HTML page of an imported Markdown file (markdown-page.ts).
declare module "*.md" {
  const page: string;
  export default page;
}

// And the description of this API out of what its endpoints declare (openapi).
declare module "virtual:openapi" {
  const json: string;
  export default json;
}
