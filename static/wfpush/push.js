// Messages to this browser while the page is closed: the browser's question comes only after a press on our own button. Used
// by the card in the inbox and by the page of devices (templates/inbox/_push.html).

import { csrfToken } from "./cards.js";
import { person } from "./store.js";

const LATER = "wfpush push later";
const place = document.getElementById("push");
const invites = place?.hasAttribute("data-invite");
let registration = null, changed = () => {};

/** `whenChanged` is called when this browser has become a device, or is none any more. */
export async function start(worker, whenChanged = () => {}) {
  if (!place) return;
  [registration, changed] = [worker, whenChanged];
  place.addEventListener("click", (event) => PRESSED[event.target.closest?.("[data-press]")?.dataset.press]?.());
  const state = await stateNow();
  if (!invites || (["off", "install"].includes(state) && !localStorage.getItem(LATER))) show(state);
}

async function stateNow() {
  const iPhone = navigator.standalone === false;  // only Safari there has it: true for what is on the home screen
  if (iPhone && !("PushManager" in window)) return "install";
  if (!registration || !("PushManager" in window) || !("Notification" in window)) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  const { push } = await person();
  return push === "on" && Notification.permission === "granted" ? "on" : "off";
}

const subscribing = () => import("./subscription.js");  // runs only after a press

const PRESSED = { on: turnOn, off: turnOff, later };

async function turnOn() {
  await busily(async () => {
    const answer = await Notification.requestPermission();
    if (answer !== "granted") return answer === "denied" ? "denied" : "off";
    const { subscribe } = await subscribing();
    await subscribe(registration, csrfToken());
    return "on";
  });
}

async function turnOff() {
  await busily(async () => {
    const { unsubscribe } = await subscribing();
    await unsubscribe(registration, csrfToken());
    return "off";
  });
}

async function busily(work) {
  place.setAttribute("aria-busy", "true");
  for (const button of place.querySelectorAll("button")) button.disabled = true;
  const state = await work().catch(failure);
  for (const button of place.querySelectorAll("button")) button.disabled = false;
  place.removeAttribute("aria-busy");
  show(state, { focus: true });
  changed(state);
}

/** Where the server sends nothing to this browser's push service, another try would end in the same way. */
function failure({ service }) {
  if (service) place.querySelector("[data-service]").textContent = service;
  return service ? "refused" : "failed";
}

function later() {
  localStorage.setItem(LATER, new Date().toISOString());
  place.hidden = true;
  document.getElementById("waiting-heading")?.focus();
}

/** Show what fits the state; if the pressed button is now hidden, the focus goes to the text in its place. */
function show(state, { focus = false } = {}) {
  for (const part of place.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state);
  place.hidden = false;
  if (focus) place.querySelector("[data-when]:not([hidden]) [data-words]")?.focus();
}
