import { randomUUID } from "node:crypto";
import type http from "node:http";
import { LRUCache } from "lru-cache";
import { GRAPH_HOSTS } from "../directory/clouds.ts";
import { type Account, GRAPH_ORIGIN } from "../directory/directory.ts";
import { json, type Reply, type RoutedRequest, type RouteHandler } from "../http/router.ts";
import { type AccessParts, withAccount } from "./access.ts";
import { graphError, requestIds, resourceNotFound } from "./errors.ts";

/** A file in everybody's drive. */
interface DriveFile {
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly content: string;
}

const FILES: readonly DriveFile[] = [
  {
    ...{ id: "01NOTES", name: "Notes.txt", contentType: "text/plain; charset=utf-8" },
    content: "You read this from your drive, past Graph: the address was good for an hour, without a token.\n",
  },
  { id: "01BUDGET", name: "Budget.csv", contentType: "text/csv; charset=utf-8", content: "month,amount\nMay,1200\n" },
];

const KEPT = 1000;
const HOUR_MS = 3_600_000;

/** Upload in progress, with the number of bytes received. */
interface Upload {
  readonly name: string;
  received: number;
}

/**
 * The part of a drive that leads to another host, where content is read and large files are written without a token.
 * https://learn.microsoft.com/graph/api/driveitem-get-content,
 * https://learn.microsoft.com/graph/api/driveitem-createuploadsession
 */
export class Drive {
  readonly #contents = new LRUCache<string, DriveFile>({ max: KEPT, ttl: HOUR_MS, perf: Date });
  readonly #uploads = new LRUCache<string, Upload>({ max: KEPT, ttl: HOUR_MS, perf: Date });
  readonly #otherOrigin: () => string;

  /** @param otherOrigin returns the origin of the drive's content, at another host than Graph's */
  constructor(otherOrigin: () => string) {
    this.#otherOrigin = otherOrigin;
  }

  /** Makes the routes of the signed-in user's drive, and of its content. */
  routesFor(parts: AccessParts): Readonly<Record<string, RouteHandler>> {
    const read = (handle: (request: RoutedRequest, account: Account) => Reply) =>
      withAccount(parts, handle, ["Files.Read"]);
    const createUpload = withAccount(parts, (request) => this.#createUpload(request), ["Files.ReadWrite"]);
    return {
      "GET /v1.0/me/drive/root/children": read((request) => this.#list(request)),
      "GET /v1.0/me/drive/items/:item": read((request) => this.#withFile(request, (file) => this.#show(request, file))),
      "GET /v1.0/me/drive/items/:item/content": read((request) =>
        this.#withFile(request, (file) => ({
          status: 302,
          headers: { location: this.#redirectTo(request, file), ...requestIds(request) },
        })),
      ),
      // By path, such as `root:/report.pdf:`, or by the id of an item.
      "POST /v1.0/me/drive/:root/:file/createUploadSession": createUpload,
      "GET /drive-content/:ticket": (request) => this.#content(request),
    };
  }

  #list(request: RoutedRequest): Reply {
    const context = `${GRAPH_ORIGIN}/v1.0/$metadata#users('me')/drive/root/children`;
    return json(
      200,
      { "@odata.context": context, value: FILES.map((file) => this.#itemOf(file)) },
      requestIds(request),
    );
  }

  #show(request: RoutedRequest, file: DriveFile): Reply {
    const context = `${GRAPH_ORIGIN}/v1.0/$metadata#users('me')/drive/items/$entity`;
    return json(200, { "@odata.context": context, ...this.#itemOf(file) }, requestIds(request));
  }

  #withFile(request: RoutedRequest, answer: (file: DriveFile) => Reply): Reply {
    const file = FILES.find(({ id }) => id === request.params.item);
    return file ? answer(file) : graphError(request, 404, "itemNotFound", "The resource could not be found.");
  }

  #itemOf(file: DriveFile): object {
    const { id, name, contentType, content } = file;
    return {
      "@microsoft.graph.downloadUrl": this.#addressOf(file),
      ...{ id, name, size: Buffer.byteLength(content), file: { mimeType: contentType } },
    };
  }

  #addressOf(file: DriveFile): string {
    const ticket = randomUUID();
    this.#contents.set(ticket, file);
    return `${this.#otherOrigin()}/drive-content/${ticket}`;
  }

  /**
   * Returns a file's address; with https for a client that asked Graph by its real name, whose requests are routed and
   * which follows nothing else.
   */
  #redirectTo({ url }: RoutedRequest, file: DriveFile): string {
    const address = this.#addressOf(file);
    return GRAPH_HOSTS.includes(url.host) ? address.replace(/^http:/, "https:") : address;
  }

  /** Refuses a token, as SharePoint does: the address is all that is needed. */
  #content(request: RoutedRequest): Reply {
    if (request.headers.authorization !== undefined)
      return graphError(request, 401, "unauthenticated", "Send no token here.");
    const file = this.#contents.get(request.params.ticket ?? "");
    if (!file) return resourceNotFound(request, "content");
    const disposition = `attachment; filename="${file.name}"`;
    return {
      status: 200,
      headers: { "content-type": file.contentType, "content-disposition": disposition },
      body: file.content,
    };
  }

  #createUpload(request: RoutedRequest): Reply {
    const ticket = randomUUID();
    const { file = "" } = request.params;
    this.#uploads.set(ticket, { name: file.replace(/:$/, ""), received: 0 });
    const uploadUrl = `${this.#otherOrigin()}/drive-upload/${ticket}`;
    return json(200, { uploadUrl, expirationDateTime: expiry(), nextExpectedRanges: ["0-"] }, requestIds(request));
  }

  /** Takes a part of an upload; returns false for other requests. Counts the bytes and does not keep them. */
  takeUpload(request: http.IncomingMessage, response: http.ServerResponse): boolean {
    const [, ticket] = /^\/drive-upload\/([^/?]+)/.exec(request.url ?? "") ?? [];
    if (request.method !== "PUT" || ticket === undefined) return false;
    request.resume();
    request.once("end", () => {
      const [status, body] = this.#received(ticket, request.headers);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    return true;
  }

  #received(
    ticket: string,
    { authorization, "content-range": range = "" }: http.IncomingHttpHeaders,
  ): [number, object] {
    if (authorization !== undefined)
      return [401, { error: { code: "unauthenticated", message: "Send no token here." } }];
    const upload = this.#uploads.get(ticket);
    if (!upload) return [404, { error: { code: "itemNotFound", message: "The upload session was not found." } }];
    const [, from, to, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range)?.map(Number) ?? [];
    if (from !== upload.received || to === undefined || size === undefined || to >= size) {
      return [416, { error: { code: "invalidRange", message: "The uploaded fragment overlaps or leaves a gap." } }];
    }
    upload.received = to + 1;
    if (upload.received < size) {
      return [202, { expirationDateTime: expiry(), nextExpectedRanges: [`${upload.received}-`] }];
    }
    this.#uploads.delete(ticket);
    return [201, { id: "01UPLOADED", name: upload.name, size, file: {} }];
  }
}

function expiry(): string {
  return new Date(Date.now() + HOUR_MS).toISOString();
}
