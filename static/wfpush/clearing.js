// Somebody else may use this browser next: when its person has signed out or it was removed, nothing of theirs stays on any
// open page (templates/base.html has what is shown instead).

import { LEAVING, storeNoMore } from "./store.js";

const instead = document.getElementById("left");

/** Listen for what forget.js says. */
export function start() {
  if (!("BroadcastChannel" in window)) return;
  new BroadcastChannel(LEAVING).addEventListener("message", ({ data }) => data === instead.dataset.person && clear());
}

export function clear() {
  storeNoMore();
  document.dispatchEvent(new CustomEvent("left"));
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: instead.dataset.style }));
  document.body.className = "narrow";
  delete document.body.dataset.view;
  document.body.replaceChildren(instead.content.cloneNode(true));
  document.title = document.querySelector("h1").textContent;
  window.addEventListener("popstate", (event) => {
    event.stopImmediatePropagation();
    location.reload();
  }, { capture: true });
}
