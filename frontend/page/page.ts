import { fetchAccountName, fetchPhoto, fetchProfile } from "./api.ts";
import { fetchAsUser } from "./client/fetch-as-user.ts";
import { type Problem, RequestProblem, SIGNING_IN } from "./client/problem.ts";
import { requireElement } from "./element.ts";
import { createProblemCard, createWaitCard } from "./problem-card.ts";
import { createProfileCard, showPhoto } from "./profile-card.ts";

const account = requireElement(document, "#account");
const state = requireElement(document, "#state");
const status = requireElement(document, "#status");
const loadingCard = requireElement(state, ".card");

const PAGE_FAILED: Problem = {
  status: 0,
  code: "page_failed",
  title: "Something went wrong",
  detail: "This page has a fault of its own.",
};

/** What the page shows now, when it is a problem. */
let current: Problem | undefined;
/** Whether the card that is gone had the focus: a keyboard user must not start at the top again. */
let isFocusDue = false;

void showAccountName();
void showProfile();

addEventListener("online", () => {
  if (current?.status === 0) void showProfile();
});
// A page that the browser kept may be another user's by now: it keeps nothing, and starts anew when it is shown again.
addEventListener("pagehide", () => {
  state.replaceChildren(loadingCard);
  account.replaceChildren();
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});

async function showAccountName(): Promise<void> {
  const name = (await fetchAccountName()) ?? "";
  account.textContent = name;
  account.title = name;
}

async function showProfile(): Promise<void> {
  current = undefined;
  show(loadingCard, "Loading your profile");
  const stop = new AbortController();
  let wait: { readonly problem: Problem; readonly tell: (secondsLeft: number) => void } | undefined;
  const onWait = (secondsLeft: number, problem: Problem): void => {
    if (wait?.problem !== problem) wait = { problem, tell: showWait(problem, secondsLeft, stop) };
    wait.tell(secondsLeft);
  };
  try {
    const profile = await fetchProfile(fetchAsUser, { signal: stop.signal, onWait });
    const card = createProfileCard(loadingCard, profile);
    show(card, "Your profile is shown");
    const photo = await fetchPhoto(fetchAsUser);
    if (photo) showPhoto(card, photo);
  } catch (error) {
    showProblem(stop.signal.aborted && wait ? wait.problem : problemOf(error));
  }
}

function showWait(problem: Problem, seconds: number, stop: AbortController): (secondsLeft: number) => void {
  const { card, tell } = createWaitCard(problem, () => stop.abort());
  show(card, `${problem.title}. Trying again in ${seconds} seconds.`);
  return tell;
}

function showProblem(problem: Problem): void {
  // The browser is leaving: the loading card stays.
  if (problem.code === SIGNING_IN.code) {
    say(problem.title);
    return;
  }
  current = problem;
  const { pathname, search, hash } = location;
  const tryAgain = (): void => void showProfile();
  show(createProblemCard(problem, pathname + search + hash, tryAgain), problem.title);
}

function problemOf(error: unknown): Problem {
  if (error instanceof RequestProblem) return error.problem;
  reportError(error);
  return PAGE_FAILED;
}

function show(card: HTMLElement, message: string): void {
  isFocusDue ||= state.contains(document.activeElement);
  state.replaceChildren(card);
  if (isFocusDue && card !== loadingCard) {
    requireElement(card, "h2").focus();
    isFocusDue = false;
  }
  say(message);
}

/** To those who cannot see the page. */
function say(message: string): void {
  status.textContent = message;
}
