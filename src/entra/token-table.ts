import type { VerifiedUser } from "../user.ts";

/** A verified user with the access token that was issued on their behalf. */
export interface CachedToken {
  readonly user: VerifiedUser;
  readonly accessToken: string;
}

/** Cells of a slot, side by side, which is all that a lookup reads: 128 bits of the digest, then the places named below. */
const SLOT_CELLS = 8;
const DIGEST_CELLS = 4;
/** Place of the token's end, in seconds since 1970; 0 when the slot is empty. */
const END = 4;
const USED = 5;
const USER = 6;
const ACCESS_TOKEN = 7;

const SLOT_BYTES = SLOT_CELLS * 8;

/** Slots of a page. Pages are made when they are needed: one large array would take milliseconds at the start. */
const PAGE_SLOTS = 256;

/** Used tokens that `nextToEvict` spares before it evicts one all the same, so that its time is bounded. */
const MAX_SPARED = 128;

type Cell = number | string | VerifiedUser;

const EMPTY_PAGE: readonly Cell[] = newPage();

/**
 * Tokens by digest, in a table that never grows. Open addressing with linear probing, at most three quarters full: however
 * many tokens there are, a lookup reads one place of memory, and the next when that is taken. A `Map`, and every cache built
 * on one, reads several: docs/decisions/0006-a-table-of-tokens.md. Does not check a token's end or count its bytes: see
 * `token-cache.ts`.
 *
 * A digest is SHA-256 as a `binary` string. 128 bits of it are compared: to find another user's token takes 2^128 attempts.
 */
export class TokenTable {
  /** Maximum of tokens. */
  readonly capacity: number;
  /** Bytes of the slots of a full table. */
  readonly bytes: number;
  readonly #pages: Cell[][];
  readonly #lastSlot: number;
  #size = 0;
  #hand = 0;

  constructor(capacity: number) {
    const slots = Math.max(PAGE_SLOTS, 2 ** Math.ceil(Math.log2((capacity * 4) / 3)));
    this.capacity = capacity;
    this.bytes = slots * SLOT_BYTES;
    this.#lastSlot = slots - 1;
    this.#pages = new Array(slots / PAGE_SLOTS).fill(EMPTY_PAGE);
  }

  get size(): number {
    return this.#size;
  }

  /** Returns the slot of the digest's token, valid until the next `add` or `delete`; undefined when there is none. */
  find(digest: string): number | undefined {
    const slot = this.#search(digest);
    return this.endOf(slot) === 0 ? undefined : slot;
  }

  /** Returns the end of the slot's token in seconds since 1970; 0 when the slot is empty. */
  endOf(slot: number): number {
    return this.#pageOf(slot)[cellOf(slot) + END] as number;
  }

  tokenOf(slot: number): CachedToken {
    const [page, first] = [this.#pageOf(slot), cellOf(slot)];
    return { user: page[first + USER] as VerifiedUser, accessToken: page[first + ACCESS_TOKEN] as string };
  }

  /** Marks the token as used: `nextToEvict` spares it once. */
  markUsed(slot: number): void {
    this.#pageOf(slot)[cellOf(slot) + USED] = 1;
  }

  /**
   * Adds a token, marked as used, whose digest is not in the table.
   *
   * @param end seconds since 1970
   * @throws RangeError when there is no room
   */
  add(digest: string, { user, accessToken }: CachedToken, end: number): void {
    if (this.#size >= this.capacity) throw new RangeError("The table of tokens is full.");
    const slot = this.#search(digest);
    const [page, first] = [this.#ownPageOf(slot), cellOf(slot)];
    for (let cell = 0; cell < DIGEST_CELLS; cell += 1) page[first + cell] = digestWord(digest, cell);
    page[first + END] = end;
    page[first + USED] = 1;
    page[first + USER] = user;
    page[first + ACCESS_TOKEN] = accessToken;
    this.#size += 1;
  }

  /** Deletes a token and moves later ones up, so that no gap ends another token's search (Knuth, The Art of Computer Programming, 6.4, algorithm R). */
  delete(slot: number): void {
    let gap = slot;
    this.#empty(gap);
    for (let next = this.#after(gap); this.endOf(next) !== 0; next = this.#after(next)) {
      if (this.#distance(this.#homeOf(next), next) < this.#distance(gap, next)) continue;
      this.#move(next, gap);
      gap = next;
    }
    this.#size -= 1;
  }

  /**
   * Returns the slot of the token to evict when there is no room: the next one that was not used since the last round, as the
   * second-chance algorithm does (https://en.wikipedia.org/wiki/Page_replacement_algorithm#Second-chance).
   * Undefined when the table is empty.
   */
  nextToEvict(): number | undefined {
    if (this.#size === 0) return undefined;
    for (let spared = 0; ; this.#hand = this.#after(this.#hand)) {
      if (this.endOf(this.#hand) === 0) continue;
      const [page, used] = [this.#pageOf(this.#hand), cellOf(this.#hand) + USED];
      if (page[used] === 0 || spared === MAX_SPARED) return this.#hand;
      page[used] = 0;
      spared += 1;
    }
  }

  /** Returns the digest's slot, or the empty one it would take. */
  #search(digest: string): number {
    let slot = digestWord(digest, 0) & this.#lastSlot;
    while (this.endOf(slot) !== 0 && !this.#holds(slot, digest)) slot = this.#after(slot);
    return slot;
  }

  #holds(slot: number, digest: string): boolean {
    const [page, first] = [this.#pageOf(slot), cellOf(slot)];
    for (let cell = 0; cell < DIGEST_CELLS; cell += 1) {
      if (page[first + cell] !== digestWord(digest, cell)) return false;
    }
    return true;
  }

  #homeOf(slot: number): number {
    return (this.#pageOf(slot)[cellOf(slot)] as number) & this.#lastSlot;
  }

  #move(from: number, to: number): void {
    const [source, target] = [this.#pageOf(from), this.#pageOf(to)];
    for (let cell = 0; cell < SLOT_CELLS; cell += 1) target[cellOf(to) + cell] = source[cellOf(from) + cell] as Cell;
    this.#empty(from);
  }

  #empty(slot: number): void {
    this.#pageOf(slot).fill(0, cellOf(slot), cellOf(slot) + SLOT_CELLS);
  }

  #pageOf(slot: number): Cell[] {
    return this.#pages[Math.floor(slot / PAGE_SLOTS)] as Cell[];
  }

  /** Returns the slot's page, and makes it when there is none. */
  #ownPageOf(slot: number): Cell[] {
    if (this.#pageOf(slot) === EMPTY_PAGE) this.#pages[Math.floor(slot / PAGE_SLOTS)] = newPage();
    return this.#pageOf(slot);
  }

  #after(slot: number): number {
    return (slot + 1) & this.#lastSlot;
  }

  #distance(from: number, to: number): number {
    return (to - from) & this.#lastSlot;
  }
}

function newPage(): Cell[] {
  return new Array<Cell>(PAGE_SLOTS * SLOT_CELLS).fill(0);
}

/** Returns the place in its page where a slot begins. */
function cellOf(slot: number): number {
  return (slot % PAGE_SLOTS) * SLOT_CELLS;
}

function digestWord(digest: string, word: number): number {
  const at = word * 4;
  return (
    digest.charCodeAt(at) |
    (digest.charCodeAt(at + 1) << 8) |
    (digest.charCodeAt(at + 2) << 16) |
    (digest.charCodeAt(at + 3) << 24)
  );
}
