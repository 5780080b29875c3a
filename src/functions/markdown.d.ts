// The build makes an HTML page of an imported Markdown file (scripts/markdown-page.ts).
declare module "*.md" {
  const page: string;
  export default page;
}
