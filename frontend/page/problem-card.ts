import type { Problem } from "./client/problem.ts";
import { signInUrl } from "./client/sign-in.ts";
import { createButton, createElement, createLink } from "./element.ts";
import { consentLink, explanationLink, type Remedy, remedyFor } from "./remedy.ts";

/** The problem as a card: what happened, what to do, who can help, and what helps whoever is asked. */
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

/** A card for the time that a service asks to wait; `tell` takes the seconds that are left. */
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
    createLink(link, "button quiet", "Grant consent"),
    createButton("Try again", "button quiet", onTryAgain),
  ];
}

/** Code and correlation id, to quote to whoever can look at the log. */
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
  const button = createButton("", className, () => {
    navigator.clipboard.writeText(text).then(
      () => said.replaceChildren("Copied"),
      () => said.replaceChildren("Not copied"),
    );
  });
  button.append(said);
  return button;
}
