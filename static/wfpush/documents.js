// Shows beside each document whether it is kept on this device. Without a connection its link opens the kept copy.

import { allStored } from "./store.js";
import { say } from "./words.js";

const isLive = () => document.getElementById("connection")?.dataset.mood === "live";

export function start() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-document]");
    if (!link || isLive() || !link.dataset.offlinePath) return;
    event.preventDefault();
    window.open(link.dataset.offlinePath, "_blank", "noopener");
  });
  document.addEventListener("load", ({ target }) => target.matches?.(".document iframe") && fit(target), { capture: true });
  mark();
}

/** A picture is as wide as its frame; the browser has buttons for pages and sizes of a PDF only. */
function fit(frame) {
  const picture = frame.contentDocument?.querySelector("body > img:only-child");
  if (!picture) return;
  Object.assign(picture.style, { maxWidth: "100%", width: "auto", height: "auto" });
  frame.style.height = `${Math.ceil(picture.getBoundingClientRect().height) + 2}px`;
}

/** Show the state of every document on the page. */
export async function mark() {
  const links = [...document.querySelectorAll("a[data-document]")];
  if (!links.length || !navigator.serviceWorker) return;
  const known = new Map((await allStored("documents").catch(() => [])).map((row) => [row.url, row]));
  for (const link of links) tell(link, known.get(link.href) ?? { state: "unknown" });
}

/** The worker reports the progress of a document. */
export function heard({ url, ...row }) {
  for (const link of document.querySelectorAll("a[data-document]")) if (link.href === url) tell(link, row);
}

function tell(link, { state, path = "", percent = 0 }) {
  const line = link.parentElement.querySelector("[data-slot=document]");
  const key = state === "kept" || state === "keeping" ? state : isLive() ? "" : "refused";
  link.dataset.offlinePath = path;
  line.hidden = !key;
  line.textContent = key && say(`document_${key}`, { percent });
}
