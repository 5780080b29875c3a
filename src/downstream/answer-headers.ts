import type { OutgoingAnswer } from "../outgoing/send.ts";

/**
 * Headers of an answer, by the part of the interface `Headers` that is used: a real `Headers` costs more than the rest of the
 * answer.
 */
export class AnswerHeaders {
  readonly #all: OutgoingAnswer["headers"];

  /** @param all by names in lower case */
  constructor(all: OutgoingAnswer["headers"]) {
    this.#all = all;
  }

  /** Returns a header's values, joined by commas; null without it. */
  get(name: string): string | null {
    const value = this.#all[name.toLowerCase()];
    return typeof value === "object" ? value.join(", ") : (value ?? null);
  }

  /** Iterates over each header, several of one name apart: `new Headers([...headers])` makes a `Headers` of them. */
  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (const [name, value = []] of Object.entries(this.#all)) for (const one of [value].flat()) yield [name, one];
  }
}
