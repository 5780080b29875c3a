import { readFileSync } from "node:fs";
import { packageFile } from "../package-file.ts";

/** Blob that a container starts with. */
export interface StoredFile {
  /** May have several parts, with slashes. */
  readonly name: string;
  readonly content: string | Buffer;
  /** Default: `application/octet-stream`. */
  readonly contentType?: string;
  readonly contentEncoding?: string;
}

/** A handful of files to try the routes with. */
export const SAMPLE_FILES: readonly StoredFile[] = [
  {
    name: "welcome.txt",
    contentType: "text/plain; charset=utf-8",
    content: "You read this from Azure Storage as yourself: your role there let you.\n",
  },
  {
    name: "reports/2026/Übersicht.csv",
    contentType: "text/csv; charset=utf-8",
    content: "month,visitors\nSeptember,1204\nOctober,1377\n",
  },
  {
    name: "pictures/portrait.jpeg",
    contentType: "image/jpeg",
    content: readFileSync(packageFile("assets/photos/240x240.jpeg")),
  },
];
