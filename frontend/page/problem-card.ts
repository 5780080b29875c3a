import type { Problem } from "./client/problem.ts";
import { signInUrl } from "./client/sign-in.ts";
import { createButton, createElement, createLink } from "./element.ts";
import { consentLink, explanationLink, type Remedy, remedyFor } from "./remedy.ts";

/** Makes a card of a problem: what happened, what to do, who can help, and what to tell them. */
export function createProblemCard(problem: Problem, currentPath: string, onTryAgain: () => void): HTMLElement {
  const remedy = remedyFor(problem);
  return createElement(
    "article",
    "card problem",
    createTitle(problem),
    createElement(
      "dl",
      "explanation",
      row("What happened", problem.detail || "The server did not say."),
      row("What you can do", remedy.whatToDo),
      row("Who can fix it", problem.correlationId ? remedy.who : remedy.who.replace(/ Send them .*/, "")),
    ),
    createElement("p", "actions", ...createActions(problem, remedy, currentPath, onTryAgain)),
    createReference(problem),
  );
}

/** Makes a card for the time that a service asks to wait; `tell` takes the seconds that are left. */
export function createWaitCard(
  problem: Problem,
  onStop: () => void,
): { readonly card: HTMLElement; readonly tell: (secondsLeft: number) => void } {
  const left = createElement("p", "countdown");
  // The number changes each second: a screen reader is told once, by the page's status.
  left.setAttribute("aria-hidden", "true");
  const stop = createButton("Stop waiting", "button quiet", onStop);
  const card = createElement(
    "article",
    "card problem waiting",
    createTitle(problem),
    createElement("p", "", "This page tries again by itself. You need not do anything."),
    left,
    createElement("p", "actions", stop),
  );
  const tell = (seconds: number): void => {
    left.textContent = seconds > 0 ? `Trying again in ${seconds} s` : "Trying again …";
  };
  return { card, tell };
}

/** Makes a card that says, before the browser leaves, that the API asks for a stronger sign-in. */
export function createSignInCard(problem: Problem, onContinue: () => void): HTMLElement {
  return createElement(
    "article",
    "card problem waiting",
    createTitle(problem),
    createElement(
      "p",
      "",
      "The API asks for a stronger sign-in, such as a code from your phone. Sign in again and complete that step: you come back to this page.",
    ),
    createElement("p", "actions", createButton("Continue to sign-in", "button", onContinue)),
  );
}

function createTitle({ title }: Problem): HTMLElement {
  const heading = createElement("h2", "", title);
  heading.tabIndex = -1;
  return heading;
}

function createActions(problem: Problem, { action }: Remedy, currentPath: string, onTryAgain: () => void): Node[] {
  if (action === "sign-in") return [createLink(signInUrl(problem, currentPath), "button", "Sign in again")];
  const link = action === "ask-administrator" ? consentLink(problem) : undefined;
  if (!link) return [createButton("Try again", "button", onTryAgain)];
  return [
    createCopyButton("Copy consent link", "button", link),
    createConsentLink(link),
    createButton("Try again", "button quiet", onTryAgain),
  ];
}

/** Makes a link that opens beside this page, so that the user can come back to it. */
function createConsentLink(href: string): HTMLAnchorElement {
  const link = createLink(href, "button quiet", "Grant consent");
  link.target = "_blank";
  link.rel = "noopener";
  return link;
}

/** Makes the lines with code and correlation id, for people who can read the log. */
function createReference(problem: Problem): HTMLElement {
  const { code, correlationId } = problem;
  const list = createElement("dl", "reference");
  const link = explanationLink(problem);
  const codeText = createElement("code", "", code);
  list.append(row("Code", link ? createLink(link, "", codeText) : codeText));
  if (correlationId) {
    const copy = createCopyButton("Copy", "copy", correlationId);
    copy.setAttribute("aria-label", "Copy correlation ID");
    list.append(row("Correlation ID", createElement("code", "", correlationId), copy));
  }
  return list;
}

function row(label: string, ...content: (Node | string)[]): HTMLElement {
  return createElement("div", "", createElement("dt", "", label), createElement("dd", "", ...content));
}

function createCopyButton(label: string, className: string, text: string): HTMLElement {
  const said = createElement("span", "", label);
  said.setAttribute("aria-live", "polite");
  const button = createButton("", className, () => void copy(text).then((word) => said.replaceChildren(word)));
  button.append(said);
  return button;
}

async function copy(text: string): Promise<string> {
  // Browsers have a clipboard on secure pages only.
  if (!navigator.clipboard) return "No clipboard here";
  try {
    await navigator.clipboard.writeText(text);
    return "Copied";
  } catch {
    return "Not copied";
  }
}
