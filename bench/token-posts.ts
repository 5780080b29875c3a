import { request } from "undici";

/** Returns how many POSTs the fake token endpoint has received. */
export async function tokenPosts(fakeUrl: string): Promise<number> {
  const { body } = await request(`${fakeUrl}/posts`);
  return Number(await body.text());
}
