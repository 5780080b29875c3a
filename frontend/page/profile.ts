import { isRecord } from "./client/problem.ts";

/** The user's profile as Microsoft Graph names it. Empty means that the directory holds no value. */
export interface Profile {
  readonly displayName: string;
  readonly jobTitle: string;
  readonly mail: string;
  readonly businessPhones: readonly string[];
  readonly mobilePhone: string;
  readonly officeLocation: string;
  readonly preferredLanguage: string;
  readonly userPrincipalName: string;
}

/** Reads a profile from parsed JSON; undefined when it is none. Members of another type count as empty. */
export function profileFrom(json: unknown): Profile | undefined {
  if (!isRecord(json) || typeof json.displayName !== "string") return undefined;
  return {
    displayName: json.displayName,
    jobTitle: text(json.jobTitle),
    mail: text(json.mail),
    businessPhones: Array.isArray(json.businessPhones) ? json.businessPhones.map(text).filter(Boolean) : [],
    mobilePhone: text(json.mobilePhone),
    officeLocation: text(json.officeLocation),
    preferredLanguage: text(json.preferredLanguage),
    userPrincipalName: text(json.userPrincipalName),
  };
}

/** Returns up to two capital letters: of the first and the last word, without what stands in brackets. */
export function initialsOf(displayName: string): string {
  const words = displayName.replace(/\(.*?\)/g, " ").match(/[\p{L}\p{N}][^\s]*/gu) ?? [];
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map((word) => firstLetter(word ?? "").toLocaleUpperCase()).join("");
}

/**
 * Returns the `tel:` address (RFC 3966) of a phone number as people write it, extension included. Undefined if the text
 * has anything else in it: a link would dial another number.
 */
export function phoneAddress(phone: string): string | undefined {
  const [, plus = "", written, pauses = "", extension] = PHONE.exec(phone.normalize("NFKC")) ?? [];
  if (written === undefined) return undefined;
  // The zero of `+49 (0)30` is dialled within the country only.
  const number = (plus ? written.replace(/\(0\)/, "") : written).replace(/\D/g, "");
  return `tel:${plus}${number}${pauses}${extension === undefined ? "" : `;ext=${extension}`}`;
}

/** Form of a phone number: number, pauses with digits to dial after them, extension. */
const PHONE =
  /^\s*(?:tel:)?\s*(\+?)([\d\s()./\u2010-\u2015-]*\d[\d\s()./\u2010-\u2015-]*?)((?:,+\d+)*)\s*,?\s*(?:(?:;\s*ext\s*=|ext(?:ension|n)?\b\.?|x\.?|#)[\s:]*(\d+))?\s*$/i;

/** Returns a language tag in words; the tag itself when the browser does not know it. */
export function languageName(tag: string, displayLanguage: string): string {
  try {
    return new Intl.DisplayNames([displayLanguage], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

function firstLetter(word: string): string {
  return [...new Intl.Segmenter().segment(word)][0]?.segment ?? "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}
