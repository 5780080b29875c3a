import { createButton, createElement, createLink } from "./element.ts";
import type { Problem } from "./problem.ts";
import { type Remedy, remedyFor } from "./remedy.ts";

/** The problem as a card: what happened, what the user can do, and what helps whoever they ask. */
export function createProblemCard(problem: Problem, currentPath: string, onTryAgain: () => void): HTMLElement {
  const title = createElement("h2", "", problem.title);
  title.tabIndex = -1;
  return createElement(
    "article",
    "card problem",
    title,
    createElement("p", "", problem.detail),
    ...remedyElements(remedyFor(problem, currentPath), onTryAgain),
    createReference(problem),
  );
}

function remedyElements(remedy: Remedy, onTryAgain: () => void): HTMLElement[] {
  if (remedy.kind === "sign-in") return [actions(createLink(remedy.href, "button", "Sign in again"))];
  const tryAgain = (className: string): HTMLElement => createButton("Try again", className, onTryAgain);
  if (remedy.kind === "try-again") return [actions(tryAgain("button"))];
  const help = createElement(
    "p",
    "",
    "An administrator of your organization can help. Send them the correlation ID below.",
  );
  if (!remedy.consentHref) return [help, actions(tryAgain("button"))];
  const consent = createLink(remedy.consentHref, "button", "Grant admin consent");
  return [help, actions(consent, tryAgain("button quiet"))];
}

function actions(...children: HTMLElement[]): HTMLElement {
  return createElement("p", "actions", ...children);
}

/** Code and correlation id, to quote to whoever can look at the log. */
function createReference({ code, correlationId }: Problem): HTMLElement {
  const list = createElement("dl", "reference", row("Code", createElement("code", "", code)));
  if (correlationId) {
    list.append(row("Correlation ID", createElement("code", "", correlationId), createCopyButton(correlationId)));
  }
  return list;
}

function row(label: string, ...content: HTMLElement[]): HTMLElement {
  return createElement("div", "", createElement("dt", "", label), createElement("dd", "", ...content));
}

function createCopyButton(text: string): HTMLElement {
  const said = createElement("span", "", "Copy");
  said.setAttribute("aria-live", "polite");
  const button = createButton("", "copy", () => {
    navigator.clipboard.writeText(text).then(
      () => said.replaceChildren("Copied"),
      () => said.replaceChildren("Select it"),
    );
  });
  button.append(said);
  return button;
}
