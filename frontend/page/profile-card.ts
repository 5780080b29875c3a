import { createElement, createLink, requireElement } from "./element.ts";
import { initialsOf, languageName, type Profile, phoneAddress } from "./profile.ts";

/** Makes a card of a profile: a copy of the page's loading card with its fields filled. */
export function createProfileCard(loadingCard: HTMLElement, profile: Profile): HTMLElement {
  const card = loadingCard.cloneNode(true) as HTMLElement;
  card.removeAttribute("aria-busy");
  card.removeAttribute("aria-hidden");
  fill(card, "avatar", initialsOf(profile.displayName) || "?");
  fill(card, "displayName", profile.displayName || profile.userPrincipalName || "No name");
  fill(card, "jobTitle", profile.jobTitle || notSet("No job title"));
  fill(card, "mail", profile.mail ? createLink(mailAddress(profile.mail), "", profile.mail) : notSet());
  fill(card, "officeLocation", profile.officeLocation || notSet());
  fill(card, "businessPhones", ...phoneLinks(profile.businessPhones));
  fill(card, "mobilePhone", profile.mobilePhone ? phoneLink(profile.mobilePhone) : notSet());
  fill(card, "preferredLanguage", languageOrNotSet(profile.preferredLanguage));
  fill(card, "userPrincipalName", profile.userPrincipalName || notSet());
  return card;
}

/** Puts the photo over the initials, once it can be shown. One that cannot be shown leaves them. */
export function showPhoto(card: HTMLElement, photo: Blob): void {
  const image = document.createElement("img");
  image.alt = "";
  image.src = URL.createObjectURL(photo);
  image
    .decode()
    .then(
      () => requireElement(card, '[data-field="avatar"]').append(image),
      () => {},
    )
    .finally(() => URL.revokeObjectURL(image.src));
}

function fill(card: HTMLElement, field: string, ...content: (Node | string)[]): void {
  requireElement(card, `[data-field="${field}"]`).replaceChildren(...content);
}

function notSet(label = "Not set"): HTMLElement {
  return createElement("span", "not-set", label);
}

function mailAddress(mail: string): string {
  return `mailto:${encodeURIComponent(mail).replace("%40", "@")}`;
}

function phoneLink(phone: string): HTMLElement | string {
  const address = phoneAddress(phone);
  return address === undefined ? phone : createLink(address, "", phone);
}

function phoneLinks(phones: readonly string[]): (Node | string)[] {
  if (phones.length === 0) return [notSet()];
  return phones.flatMap((phone, index) => [index > 0 ? ", " : "", phoneLink(phone)]);
}

function languageOrNotSet(tag: string): HTMLElement | string {
  return tag ? languageName(tag, navigator.language) : notSet();
}
