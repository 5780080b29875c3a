import type { VerifiedUser } from "../user.ts";

/** A verified user and the access token that was issued on their behalf. */
export interface CachedToken {
  readonly user: VerifiedUser;
  readonly accessToken: string;
}

/** A slot is eight cells side by side, all that a lookup reads: 128 bits of the digest, and what is at these places. */
const SLOT_CELLS = 8;
const DIGEST_CELLS = 4;
/** When the token ends, in seconds since 1970; 0 when the slot is empty. */
const END = 4;
const USED = 5;
const USER = 6;
const ACCESS_TOKEN = 7;

const SLOT_BYTES = SLOT_CELLS * 8;

/** The slots are kept in pages, made when they are needed: one large array would take milliseconds at the start. */
const PAGE_SLOTS = 256;

/** Tokens that `nextToEvict` spares, one after the other, before it gives up one that was used: its time has an end. */
const MAX_SPARED = 128;

type Cell = number | string | VerifiedUser;

const EMPTY_PAGE: readonly Cell[] = newPage();

/**
 * The token cache's memory: tokens by digest, in a table that never grows. Open addressing with linear probing, never more
 * than three quarters full: however many tokens there are, a lookup reads one place of memory, and the next when that is
 * taken. A `Map`, and every cache built on one, reads several: docs/decisions/0006-a-table-of-tokens.md.
 * Does not look at a token's end, nor count its bytes: see `token-cache.ts`.
 *
 * A digest is SHA-256 as a `binary` string. 128 bits of it are compared: to meet another user's token takes 2^128 attempts.
 */
export class TokenTable {
  /** Tokens it has room for. */
  readonly capacity: number;
  /** What the table itself takes at most. */
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

  /** The slot of the digest's token; undefined when there is none. It holds until the next `add` or `delete`. */
  find(digest: string): number | undefined {
    const slot = this.#search(digest);
    return this.endOf(slot) === 0 ? undefined : slot;
  }

  /** Seconds since 1970; 0 when the slot is empty. */
  endOf(slot: number): number {
    return this.#pageOf(slot)[cellOf(slot) + END] as number;
  }

  tokenOf(slot: number): CachedToken {
    const [page, first] = [this.#pageOf(slot), cellOf(slot)];
    return { user: page[first + USER] as VerifiedUser, accessToken: page[first + ACCESS_TOKEN] as string };
  }

  /** Has the token spared once by `nextToEvict`. */
  markUsed(slot: number): void {
    this.#pageOf(slot)[cellOf(slot) + USED] = 1;
  }

  /**
   * Adds a token whose digest is not there yet, as a used one.
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

  /** Moves later tokens up, so that no gap ends another's search (Knuth, The Art of Computer Programming, 6.4, algorithm R). */
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
   * The slot of the token that has to go when there is no room: the next one that was not used since the hand came by last, a
   * second chance for all others (https://en.wikipedia.org/wiki/Page_replacement_algorithm#Second-chance).
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

  /** The digest's slot, or else the empty one it would take. */
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

  /** The slot's page, made when there is none yet. */
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

/** Where in its page a slot begins. */
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
