/**
 * Script that requests the page every second and replaces the changed parts. Open parts stay open, and the focus
 * stays.
 */
export const LIVE_SCRIPT = `
const button = document.getElementById("pause");
const status = document.querySelector("[role=status]");
let etag = "";
let isLive = true;

button.hidden = false;
button.addEventListener("click", () => {
  isLive = !isLive;
  button.textContent = isLive ? "Pause" : "Go on";
});

async function refresh() {
  if (!isLive || document.hidden) return;
  const response = await fetch("/trace" + location.search, { headers: { "if-none-match": etag } }).catch(() => undefined);
  const state = response ? "" : "The stack does not answer.";
  if (status.textContent !== state) status.textContent = state;
  if (response?.status !== 200) return;
  etag = response.headers.get("etag");
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("traces");
  for (const { id, open } of document.querySelectorAll("#traces details")) {
    const still = page.getElementById(id);
    if (still) still.open = open;
  }
  const focused = document.activeElement.closest("#traces details")?.id;
  document.getElementById("traces").replaceWith(fresh);
  if (focused) document.getElementById(focused)?.querySelector("summary").focus();
}

setInterval(refresh, 1000);
`;
