// Answers where their items are shown: an item changes, and an answer to it may come too late. Giving one is answering.js, which
// is loaded when somebody comes near an answer; a press before that waits for it.

import { fill, hideChanges, hostsOf, outcomeText, showActions, showOutcome, slot } from "./cards.js";
import { draftOf, keep } from "./unsent.js";
import { hold, isRevised, tellChanges } from "./revised.js";
import { allStored, dropDraft, unstore } from "./store.js";
import { announce, isMine, outcomeOf, say } from "./words.js";

const PRESSES = {
  click: "[data-action]:not([data-plain]), [data-undo]:not([data-plain])",
  submit: ".ask:not([data-plain])",
  change: "[data-attach] [type=file]",
};
const PRESSED = Object.values(PRESSES).join();
const NEAR = { pointerover: PRESSED, focusin: PRESSED, scroll: ".row" };  // a row that is swiped shows its buttons
/** id → the item as last received; and the answer that is being sent. */
export const known = new Map(), sending = new Map();
const early = new Map();  // host, or field of files → {type, element, submitter}: pressed before answering.js was loaded
let answering = null, whenSignedOut = () => {};

/** `signedOut` is called when the session has ended. */
export function start(signedOut) {
  whenSignedOut = signedOut;
  for (const type in PRESSES) document.addEventListener(type, waitForModule, { capture: true });
  for (const type in NEAR) document.addEventListener(type, prepare, { capture: true, passive: true });
}

/** Load answering.js before the press, where one is likely. */
function prepare({ type, target }) {
  if (target.closest?.(NEAR[type])) withAnswering();
}

/** Run `work` with the module answering.js. */
export async function withAnswering(work = () => {}) {
  let module;
  try {
    module = await import("./answering.js");
  } catch {
    return withoutAnswering();
  }
  if (!answering) begin(module);
  return work(module);
}

function begin(module) {
  answering = module;
  module.start(whenSignedOut);
  for (const type in PRESSES) document.removeEventListener(type, waitForModule, { capture: true });
  for (const type in NEAR) document.removeEventListener(type, prepare, { capture: true });
  for (const press of early.values()) repeat(press);
  early.clear();
}

function waitForModule(event) {
  const { type, target, submitter } = event, element = target.closest?.(PRESSES[type]);
  if (!element || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const place = type === "change" ? element : element.closest("[data-id]");
  if (early.has(place)) return;  // pressed twice
  early.set(place, { type, element, submitter });
  withAnswering();
}

function repeat({ type, element, submitter }) {
  if (type === "click") element.click();
  else if (type === "submit") element.requestSubmit(submitter);
  else element.dispatchEvent(new Event(type, { bubbles: true }));
}

/** The module could not be loaded: the browser sends forms by itself, and files with them. Otherwise say that nothing was sent. */
function withoutAnswering() {
  for (const [place, press] of early) {
    const { type, element } = press;
    if (type === "change") continue;
    early.delete(place);
    if (navigator.onLine && (element.form || element.href || type === "submit")) {
      element.dataset.plain = "";
      repeat(press);
    } else showOutcome(place, { text: say(navigator.onLine ? "not_recorded" : "not_sent"), mood: "bad" }).focus({ preventScroll: true });
  }
}

/** Answers given before this page was opened, which still wait, or have ended since. */
export async function resume() {
  const stored = await allStored("answers").catch(() => []);
  if (stored.length) await withAnswering((module) => module.resume(stored));
}

/** Show the state of the answer of an item that has just been shown. */
export const retell = (id) => answering?.retell(id);

/** What was written with an answer, to be kept where it was not sent. */
export const wordsOf = ({ comment = "", filled = "", names = [] }) => [filled, comment, names.join("\n")].filter(Boolean).join("\n\n");

/** The fields of the task's form go with another form of the item. */
export function lend(host, form) {
  for (const field of host.querySelectorAll('[data-slot="form"] [name]')) field.setAttribute("form", form.id);
}

/** An item has changed: the answer that is being sent may be too late. */
export function receive(item) {
  if (known.get(item.id)?.seq > item.seq) return;  // a response older than a frame that was received meanwhile
  known.set(item.id, item);
  const answer = sending.get(item.id), counts = !["changed", "refused"].includes(item.outcome?.engine);
  const given = counts && isMine(item.outcome) && item.outcome.action === answer?.action;
  if (given && answer.values) dropDraft(item.id);
  const over = answer && item.state !== "open" && !given, place = over && hostOf(answer, item.id);
  if (given || place || (over && !wordsOf(answer))) ended(item.id);
  const progress = sending.get(item.id)?.progress, { text, undo } = progress ?? outcomeOf(item);
  if (undo) setTimeout(() => known.get(item.id) === item && receive(item), undo + 100);  // then the sentence is another one
  let news = false, shown = "";
  for (const host of hostsOf(item.id)) {
    news ||= text !== outcomeText(host);
    if (item.state !== "open") {
      rescue(host, text);
      hideChanges(host);
    } else if (isRevised(host, item)) shown = hold(host);
    fill(host, item, progress);
  }
  if (shown) tellChanges(item, shown);
  if (over) keep(place, wordsOf(answer), { why: text });
  if (news && text && !progress) announce(`${item.title}: ${text}`);
}

/** Show what has changed while an item was being loaded. Returns whether something has. */
export function overtake({ id, seq }) {
  const item = known.get(id), newer = item?.seq > Number(seq);
  if (newer) receive(item);
  return newer;
}

/** The answer is no longer being sent, and need not be kept. */
export function ended(id) {
  const { key } = sending.get(id) ?? {};
  sending.delete(id);
  if (key) unstore("answers", key).catch(() => {});
}

/** The item takes no more answers: keep the comment that was being written. */
function rescue(host, why) {
  const { words, busy } = draftOf(host);
  closeAsk(host, { quietly: true });
  keep(host, words, { why, focus: busy });
}

/** The element where the answer was given, or, if that was removed, one that shows the item and has room for a comment. */
export function hostOf({ host }, id) {
  return host?.isConnected ? host : [...hostsOf(id)].find((each) => slot(each, "actions"));
}

export function closeAsk(host, { quietly = false } = {}) {
  const form = host && slot(host, "ask-form");
  if (!form) return;
  form.remove();
  if (slot(host, "form")) lend(host, slot(host, "actions"));
  showActions(host, true);
  if (!quietly) host.querySelector(`[data-action="${CSS.escape(form.dataset.opener ?? "")}"]`)?.focus();
}
