import { fetchPhoto, fetchProfile, fetchSession, type Session } from "./api.ts";
import { fetchAsUser } from "./client/fetch-as-user.ts";
import { type Problem, RequestProblem, SIGNING_IN } from "./client/problem.ts";
import { requireElement } from "./element.ts";
import { createProblemCard, createSignInCard, createWaitCard } from "./problem-card.ts";
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

const SIGNED_OUT: Problem = {
  status: 401,
  code: "signed_out",
  title: "You are signed out",
  detail: "You signed out in another tab, or your session has ended.",
};

/** Milliseconds after which the page says that it still waits. */
const SLOW_MS = 4000;

/** The problem that the page shows. */
let current: Problem | undefined;
/** Whether the removed card had the focus: a keyboard user must not start at the top again. */
let isFocusDue = false;
/** The session, as the server last described it. */
let session: Session | undefined;
/** Object id of the user whose profile is shown. */
let shownUser: string | undefined;
/** Ends the attempt to show the profile that is under way. */
let attempt = new AbortController();

void checkSession();
void showProfile();

addEventListener("online", () => {
  if (current?.status === 0) void showProfile();
});
// Another tab may have signed out, or somebody else in.
addEventListener("focus", () => void checkSession());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  void checkSession();
  // An administrator's consent is granted beside this page.
  if (current?.code === "consent_required") void showProfile();
});
// A page in the browser's back/forward cache may later be shown to another user, so it clears itself and starts again.
addEventListener("pagehide", () => {
  session = undefined;
  forgetUser();
  showName("");
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});

/** Shows who is signed in. If that has changed, removes all data of the former user. */
async function checkSession(): Promise<void> {
  const known = shownUser ?? session?.user;
  const answer = await fetchSession();
  if (!answer) return;
  session = answer;
  showName(answer.name);
  if (current === SIGNED_OUT && !answer.isOver) void showProfile();
  if (known === undefined || known === answer.user) return;
  forgetUser();
  if (answer.isOver) showProblem(SIGNED_OUT);
  else void showProfile();
}

function forgetUser(): void {
  attempt.abort();
  shownUser = undefined;
  state.replaceChildren(loadingCard);
}

function showName(name: string): void {
  account.textContent = name;
  account.title = name;
}

async function showProfile(): Promise<void> {
  attempt.abort();
  attempt = new AbortController();
  const { signal } = attempt;
  const stop = new AbortController();
  let wait: { readonly problem: Problem; readonly tell: (secondsLeft: number) => void } | undefined;
  const onWait = (secondsLeft: number, problem: Problem): void => {
    if (wait?.problem !== problem) wait = { problem, tell: showWait(problem, secondsLeft, stop) };
    wait.tell(secondsLeft);
  };
  current = undefined;
  showLoading();
  const slow = setTimeout(tellThatItIsSlow, SLOW_MS);
  try {
    const options = { signal: AbortSignal.any([signal, stop.signal]), onWait, onSignIn: announceSignIn };
    const { profile, user } = await fetchProfile(fetchAsUser, options);
    shownUser = user;
    if (session && session.user !== user) await checkSession();
    signal.throwIfAborted();
    const card = createProfileCard(loadingCard, profile);
    show(card, "Your profile is shown");
    const photo = await fetchPhoto(fetchAsUser, user, signal);
    if (photo && !signal.aborted) showPhoto(card, photo);
  } catch (error) {
    if (!signal.aborted) showProblem(stop.signal.aborted && wait ? wait.problem : problemOf(error));
  } finally {
    clearTimeout(slow);
  }
}

function showLoading(): void {
  fillLoadingCard("Loading…", "");
  show(loadingCard, "Loading your profile");
}

function tellThatItIsSlow(): void {
  if (!state.contains(loadingCard)) return;
  fillLoadingCard("Still loading…", "The API takes longer than usual.");
  say("Still loading your profile. The API takes longer than usual.");
}

function fillLoadingCard(title: string, hint: string): void {
  requireElement(loadingCard, "h2").textContent = title;
  requireElement(loadingCard, '[data-field="jobTitle"]').textContent = hint;
}

function showWait(problem: Problem, seconds: number, stop: AbortController): (secondsLeft: number) => void {
  const { card, tell } = createWaitCard(problem, () => stop.abort());
  show(card, `${problem.title}. Trying again in ${seconds} seconds.`);
  return tell;
}

/**
 * Announces a stronger sign-in before the browser leaves, so that the user learns the reason. Other sign-ins need no
 * announcement.
 */
function announceSignIn(problem: Problem): boolean | Promise<boolean> {
  if (problem.claims === undefined) return true;
  return new Promise((resolve) =>
    show(
      createSignInCard(problem, () => resolve(true)),
      problem.title,
    ),
  );
}

function showProblem(problem: Problem): void {
  // The browser is leaving: the card stays.
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

/** Announces a message to screen readers. */
function say(message: string): void {
  status.textContent = message;
}
