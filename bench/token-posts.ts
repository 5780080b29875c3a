import { request } from "undici";

/** How many POSTs the fake token endpoint has had so far. */
export async function tokenPosts(fakeUrl: string): Promise<number> {
  const { body } = await request(`${fakeUrl}/posts`);
  return Number(await body.text());
}
