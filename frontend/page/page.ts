import { fetchAccountName, fetchProfile } from "./api.ts";
import { requireElement } from "./element.ts";
import { createProblemCard } from "./problem-card.ts";
import { createProfileCard } from "./profile-card.ts";

const account = requireElement(document, "#account");
const state = requireElement(document, "#state");
const status = requireElement(document, "#status");
const loadingCard = requireElement(state, ".card");

void showAccountName();
void showProfile();

async function showAccountName(): Promise<void> {
  const answer = await fetchAccountName();
  if (!answer.ok) return; // the header does without; showProfile() tells what is wrong
  account.textContent = answer.value;
  account.title = answer.value;
}

async function showProfile(): Promise<void> {
  state.replaceChildren(loadingCard);
  status.textContent = "Loading your profile";
  const answer = await fetchProfile();
  if (answer.ok) {
    state.replaceChildren(createProfileCard(loadingCard, answer.value));
    status.textContent = "Your profile is shown";
  } else {
    const currentPath = location.pathname + location.search;
    state.replaceChildren(createProblemCard(answer.problem, currentPath, () => void tryAgain()));
    status.textContent = answer.problem.title;
  }
}

async function tryAgain(): Promise<void> {
  await showProfile();
  // The button that had the focus is gone; without this a keyboard user would start at the top again.
  requireElement(state, "h2").focus();
}
