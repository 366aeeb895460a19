// The page's side of the service worker (worker.js): starts it, tells it who is here, hears from it. Pages without https have
// none, and everything works without.

import { csrfToken } from "./cards.js";
import { person, store, storeFor, tellPerson } from "./store.js";
import { settings } from "./words.js";

const AN_HOUR = 3_600_000;
const ASKED_TO_KEEP = "wfpush storage asked";
const workers = navigator.serviceWorker;
let registration = null, lookedAt = Date.now();

/** `heard`: message type → what to do. Returns the registration, or null. */
export async function start(heard, seq) {
  await storeFor(settings.ref).catch(() => {});  // private windows of some browsers store nothing
  if (!workers) return null;
  workers.addEventListener("message", ({ data, ports }) => {
    if (!heard[data.type]) return;
    heard[data.type](data);
    ports[0]?.postMessage("heard");
  });
  workers.startMessages();
  try {
    registration = await workers.register(settings.worker, { scope: "/", updateViaCache: "none" });
    begin(seq);
  } catch {
    return null;  // private windows of some browsers, or a full disk
  }
  document.addEventListener("visibilitychange", () => document.hidden || lookForNews());
  return registration;
}

async function begin(seq) {
  const { ref, timezone, language, version, brand, customer } = settings, csrf = csrfToken();
  const { active } = await workers.ready;
  active.postMessage({ type: "begin", ref, timezone, language, customer, csrf, seq, look: [ref, language, brand, version].join(" ") });
  await keepInStep(csrf, ref).catch(() => {});  // tried again when the next page starts
}

/** Check the subscription where messages are on; only then its module is loaded. */
async function keepInStep(csrf, ref) {
  if ((await person()).push !== "on") return;
  const subscription = await import("./subscription.js");
  await subscription.keepInStep(registration, csrf, ref);
}

/** Send answers that wait: now, or when the browser has a connection. */
export function send() {
  registration?.sync?.register("answers").catch(() => {});
  registration?.active?.postMessage({ type: "send" });
}

/** An answer waits on this device: ask the browser once not to clear our storage when it runs short of room. */
export function keepStorage() {
  if (!navigator.storage?.persist || localStorage.getItem(ASKED_TO_KEEP)) return;
  localStorage.setItem(ASKED_TO_KEEP, new Date().toISOString());
  navigator.storage.persist().catch(() => {});
}

/** This browser was removed from the person's devices: the worker deletes what it keeps and shows. */
export const removed = () => registration?.active?.postMessage({ type: "removed" });

/** Whether the server has another version by now. Browsers ask by themselves only when a page is loaded. */
export function lookForNews({ surely = false } = {}) {
  if (!registration || (!surely && Date.now() - lookedAt < AN_HOUR)) return;
  lookedAt = Date.now();
  registration.update().catch(() => {});
}

/** Keep an answer on this device until the server has it; false where that cannot be. */
export async function keepAnswer(answer) {
  if (!registration) return false;
  const { ref, language, customer } = settings;
  try {
    const { device = "" } = await person();
    return await store("answers", { ...answer, ref, customer, lang: language, csrf: csrfToken(), device, at: Date.now() });
  } catch {
    return false;
  }
}

/** Keep what the page has just received, to show it without a connection. */
export function keepItem(item) {
  if (registration) store("items", item).then(keepTime).catch(() => {});
}

export function keepTime() {
  return registration && tellPerson({ at: Date.now() }).catch(() => {});
}
