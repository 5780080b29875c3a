// The build makes an HTML page of an imported Markdown file (markdown-page.ts).
declare module "*.md" {
  const page: string;
  export default page;
}

// The build makes the OpenAPI document of this API from what its endpoints declare (openapi).
declare module "virtual:openapi" {
  const json: string;
  export default json;
}
