import { type Client, ResponseType } from "@microsoft/microsoft-graph-client";
import { AppError } from "../../errors.ts";

/** Sides of the square photos in pixels: https://learn.microsoft.com/graph/api/profilephoto-get */
const SIZES: readonly string[] = ["48", "64", "96", "120", "240", "360", "432", "504", "648"];

/** The parameter `size`. */
export const SIZE = { enum: SIZES, description: "Pixels of each side; the largest photo without it." };

/** Image types that a browser shows and never runs. */
const IMAGE_TYPES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/bmp", "image/webp"]);

/**
 * Returns the signed-in user's photo in the given size, or the largest. Needs User.Read.
 * Graph's client throws for a user without a photo, or without one of that size: `graphFailure` makes it `not_found`.
 */
export async function getPhoto(graph: Client, size?: string): Promise<Blob> {
  const path = size === undefined ? "/me/photo/$value" : `/me/photos/${size}x${size}/$value`;
  const photo: unknown = await graph.api(path).responseType(ResponseType.BLOB).get();
  if (photo instanceof Blob && photo.size > 0 && IMAGE_TYPES.has(photo.type)) return photo;
  throw new AppError("downstream_failed", { hint: "Graph's answer for the photo is not an image." });
}

/**
 * Reads the size in `?size=120`; undefined when the parameter is absent.
 *
 * @throws AppError `invalid_request`
 */
export function sizeFrom(size: string | undefined): string | undefined {
  if (size === undefined || SIZES.includes(size)) return size;
  throw new AppError("invalid_request", { detail: `size takes one of ${SIZES.join(", ")}.` });
}
