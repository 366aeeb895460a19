// Answering: the card shows at once that the answer is being sent, then what becomes of it. One press is one answer: repeated
// requests have the same key. Without a connection the answer is kept on this device, and sent later.

import { closeAsk, ended, hostOf, known, lend, receive, sending, wordsOf } from "./answers.js";
import * as app from "./app.js";
import { filesOf, settled as filesSettled } from "./attaching.js";
import { actionOf, csrfToken, fill, hostsOf, showActions, showChanges, showLeft, showOutcome, slot } from "./cards.js";
import { newId } from "./ids.js";
import { giveBack, keep, take } from "./unsent.js";
import { NOBODY, finish, isFinal, isWaiting, posted, withoutOthers } from "./posting.js";
import { isHeld, seen, sinceShown } from "./revised.js";
import { changeLine } from "./sentences.js";
import { allStored, dropDraft, unstore } from "./store.js";
import { announce, outcomeOf, say, sayOf, settings } from "./words.js";

const PAUSES = [0, 1_000, 3_000];  // milliseconds before each try
const late = new Map();  // id → an answer that came too late while its item was not shown
let signedOut = () => {};

/** Handle presses and forms of cards and of the item. `whenSignedOut` is called when the session has ended. */
export function start(whenSignedOut) {
  signedOut = whenSignedOut;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-action]");
    if (button && !event.ctrlKey && !event.metaKey && !("plain" in button.dataset)) {
      event.preventDefault();
      press(button);
    }
    const cancel = event.target.closest?.('[data-slot="cancel"]');
    if (cancel) {
      event.preventDefault();
      closeAsk(cancel.closest("[data-id]"));
    }
    const again = event.target.closest?.("[data-again]");
    if (again) send(again.closest("[data-id]"), sending.get(again.closest("[data-id]").dataset.id));
    const undo = event.target.closest?.("[data-undo]");
    if (undo) {
      event.preventDefault();
      takeBack(undo.closest("[data-id]"));
    }
  });
  document.addEventListener("keydown", (event) => {
    const form = event.key === "Escape" && event.target.closest?.(".ask");
    if (form) closeAsk(form.closest("[data-id]"));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target, host = form.closest("[data-id]");
    if (!host || !form.matches(".ask") || "plain" in form.dataset) return;
    event.preventDefault();
    const answer = !isHeld(host, slot(form, "send").textContent) && asked(form);
    if (answer) withValues(host, form, answer, (filled) => send(host, filled));
  });
}

/** The answer with the values of the task's form, if `form` sends them. Without the module for it the browser sends it. */
function withValues(host, form, answer, then) {
  if (!hasValues(form)) {
    if (slot(host, "form")) import("./forms.js").then((forms) => forms.forgive(host), () => {});
    return then(answer);
  }
  const plainly = () => {
    const button = form.querySelector(`button[value="${CSS.escape(answer.action)}"]`);
    for (const element of [form, button]) if (element) element.dataset.plain = "";
    form.requestSubmit(button);
  };
  return import("./forms.js").then(async (forms) => {
    await forms.begin(host);
    await filesSettled(slot(host, "form"));
    const taken = forms.take(host);
    return taken && then({ ...answer, ...taken });
  }, plainly);
}

/** Whether fields of the task's form are sent with a form. */
const hasValues = (form) => [...(form?.elements ?? [])].some(({ name }) => name?.startsWith("value-"));

function press(button) {
  const host = button.closest("[data-id]"), answer = actionOf(button);
  if (isHeld(host, answer.title)) return null;
  if (answer.comment === "required") return ask(host, button);
  const remark = answer.comment === "optional" && host.querySelector(".remark textarea");
  const answered = { ...answer, effect: button.dataset.effect, comment: remark ? remark.value.trim() : "", key: newId(), revision: shownBy(host, button.dataset.values) };
  return withValues(host, button.dataset.values ? button.form : null, answered, (filled) => send(host, filled));
}

/** The revision of what is shown: a form may be that of the one before, for a moment. */
const shownBy = (host, fills) => (fills && slot(host, "form")?.dataset.shows) || host.dataset.revision;

function asked(form) {
  const box = form.querySelector("textarea"), comment = box.value.trim();
  const attach = form.querySelector("[data-attach]:not([hidden])"), sent = attach ? filesOf(form) : {};
  if (!comment && !sent.attachments?.length && (box.required || attach)) {
    fault(form, say(form.elements.action.value === "reply" ? "message_required" : "comment_required"));
    return null;
  }
  const to = form.elements.to?.value ?? "";
  const revision = shownBy(form.closest("[data-id]"), hasValues(form));
  return { action: form.elements.action.value, title: slot(form, "send").textContent, comment, key: newId(), revision, ...(to ? { to } : {}), ...sent };
}

// --- the comment -----------------------------------------------------------------------------------------------------
function ask(host, button) {
  const { action, title } = actionOf(button);
  closeAsk(host, { quietly: true });
  const form = document.getElementById("ask-template").content.firstElementChild.cloneNode(true);
  const names = { comment: `comment-${host.dataset.id}`, hint: `hint-${host.dataset.id}`, fault: `fault-${host.dataset.id}` };
  const box = form.querySelector("textarea");
  form.id = `answer-${host.dataset.id}`;
  form.elements.action.value = action;
  form.elements.csrfmiddlewaretoken.value = csrfToken();
  slot(form, "question").textContent = sayOf("ask", action);
  slot(form, "question").htmlFor = box.id = names.comment;
  slot(form, "hint").textContent = sayOf("hint", action);
  slot(form, "hint").id = names.hint;
  offerPeople(host, form, action);
  slot(form, "fault").id = names.fault;
  box.setAttribute("aria-describedby", `${names.fault} ${names.hint}`);
  box.autofocus = true;
  box.required = !offerFiles(host, form, action);
  box.value = take(host);
  form.noValidate = true;  // the page shows the fault in its own words
  slot(form, "send").textContent = title;
  form.dataset.opener = action;
  if (button.dataset.values) form.setAttribute("action", slot(host, "actions").getAttribute("action"));
  slot(host, "actions").before(form);
  if (button.dataset.values) lend(host, form);
  showActions(host, false);
  box.focus();
}

/** Files go with what is a message. Returns whether they can. */
function offerFiles(host, form, action) {
  const attach = form.querySelector("[data-attach]"), ids = ["attach-hint", "attach-fault"].map((name) => `${name}-${host.dataset.id}`);
  attach.hidden = !["reply", "request_info", slot(host, "askable")?.dataset.for].includes(action);
  for (const [place, element] of [...attach.querySelectorAll("p")].entries()) element.id = ids[place];
  for (const input of attach.querySelectorAll("[type=file]")) input.setAttribute("aria-describedby", ids.join(" "));
  return !attach.hidden;
}

/** Whom a question can go to: the item's page knows; from a card it goes to the usual one. */
function offerPeople(host, form, action) {
  const people = slot(host, "askable"), place = slot(form, "whom");
  place.hidden = people?.dataset.for !== action;
  if (!place.hidden) place.replaceChildren(people.content.cloneNode(true));
  const [label, choice] = place.children;
  if (choice) label.htmlFor = choice.id = `whom-${host.dataset.id}`;
}

function fault(form, text) {
  const line = slot(form, "fault"), box = form.querySelector("textarea");
  line.textContent = text;
  line.hidden = false;
  box.setAttribute("aria-invalid", "true");
  box.focus();
}

// --- sending ---------------------------------------------------------------------------------------------------------
async function send(host, answer) {
  const id = host.dataset.id;
  closeAsk(host, { quietly: true });
  for (const box of host.querySelectorAll(".remark textarea")) if (box.value.trim() === answer.comment) box.value = "";
  sending.set(id, Object.assign(answer, { host }));
  const line = tell(id, { text: sayOf("doing", answer.action, { title: answer.title }) }, host);
  line?.focus({ preventScroll: true });
  const isStored = await keepUntilSent(id, answer);  // first, so that the answer is sent even if this page is closed
  if (isStored && (await isBehind(id, answer.key))) return waiting(id, answer);
  let reply = {};
  for (const pause of PAUSES) {
    if (pause) {
      tell(id, { text: say("still_trying") }, host);
      await new Promise((wake) => setTimeout(wake, pause));
    }
    reply = await post(id, answer, isStored);
    if (!reply || sending.get(id) !== answer) return null;  // the worker or the live connection was faster, and has shown the result
    if (isFinal(reply)) return settle(id, host, answer, reply);
    if (!navigator.onLine) break;
  }
  if (isStored) return waiting(id, answer, reply);
  const sorry = say(navigator.onLine ? "not_recorded" : "not_sent");
  announce(sorry);
  return tell(id, { text: sorry, mood: "bad", again: true }, host);
}

/** The reply, or null when the worker has sent the answer meanwhile: it says what became of it. */
const post = (id, answer, isStored) => withoutOthers(id, async () => {
  if (isStored && !(await isWaiting(answer.key).catch(() => true))) return null;
  const { host, progress, ...sent } = answer, reply = await posted({ ...sent, id, csrf: csrfToken() });
  if (isStored && isFinal(reply)) await finish({ ...sent, id }, reply, { stays: reply.status >= 300 }).catch(() => {});
  return reply ?? NOBODY;
});

// --- answers that wait for a connection ------------------------------------------------------------------------------
const keepUntilSent = (id, { host, progress, ...answer }) =>
  app.keepAnswer({ ...answer, id, heading: slot(host, "title").textContent });

/** Whether another answer to the item, an acknowledgement, waits: the service worker sends them in their order. */
const isBehind = async (id, key) =>
  (await allStored("answers").catch(() => [])).some((each) => each.id === id && each.key !== key && !each.ended);

/** For `tell`: the acknowledgement that waits. From a notification only the page's own buttons know that it is one. */
function whichWaits(id, { action, effect }) {
  const button = `[data-effect="acknowledge"][data-action="${CSS.escape(action)}"]`;
  const is = effect ? effect === "acknowledge" : [...hostsOf(id)].some((host) => host.querySelector(button));
  return { acknowledges: is ? action : "" };
}

function waiting(id, answer, { status } = {}) {
  const { title, host } = answer;
  answer.waited = true;
  const button = `[data-signature][data-action="${CSS.escape(answer.action)}"]`, signs = [...hostsOf(id)].some((each) => each.querySelector(button));
  const text = status ? say("sent_again") : say(signs && !answer.signature ? "sign_when_back" : "answer_stored", { title });
  announce(text);
  app.keepStorage();
  app.send();
  return tell(id, { text, ...whichWaits(id, answer) }, host);
}

/** Answers given before this page was opened, which still wait, or have ended since. */
export function resume(stored) {
  for (const answer of stored.sort((one, other) => one.at - other.at)) {
    (answer.ended ? late : sending).set(answer.id, answer);
    retell(answer.id);
  }
}

/** Show the state of the answer of an item that has just been shown. A comment that came too late is shown beside the buttons. */
export function retell(id) {
  const answer = sending.get(id), lost = late.get(id);
  if (answer) tell(id, answer.progress ?? { text: say("answer_stored", { title: answer.title }), ...whichWaits(id, answer) });
  if (answer || !lost || !hostOf(lost, id)) return;
  late.delete(id);
  sending.set(id, lost);
  settled({ answer: lost, ...lost.ended }, () => {});
}

export function holdUntilSignedIn() {
  for (const [id, answer] of sending) if (answer.progress) tell(id, { text: say("sign_in_to_send", { title: answer.title }), ...whichWaits(id, answer) });
}

/** The service worker has sent an answer of this page, or of one before it. */
export function settled({ answer: { id, key }, status, body }, whenSignedOut = signedOut) {
  const answer = sending.get(id);
  if (answer?.key === key) settle(id, hostOf(answer, id), answer, { status, body }, whenSignedOut);
}

/** An answer from a notification takes longer than usual, or waits for a connection. */
export function waits({ id, key, action, title }) {
  app.keepStorage();
  if (sending.has(id)) return;
  sending.set(id, { key, action, title });
  tell(id, { text: say("answer_stored", { title }), ...whichWaits(id, { action }) });
}

/** Open the comment field of an answer, if it is offered and needs a comment. */
export function openAsk(host, action) {
  const button = host.querySelector(`[data-action="${CSS.escape(action)}"][data-comment="required"]`);
  if (button) ask(host, button);
}

// --- taking it back --------------------------------------------------------------------------------------------------
async function takeBack(host) {
  const id = host.dataset.id, headers = { "X-CSRFToken": csrfToken() };
  const reply = await fetch(`/api/v1/notifications/${id}/responses`, { method: "DELETE", headers }).catch(() => null);
  if (!reply?.ok) announce(say(reply?.status === 409 ? "too_late" : "not_loaded"));
  await lookAgain(id);
  if (reply?.ok) (host.querySelector('[data-slot="buttons"] > *') ?? slot(host, "title")).focus();
}

// --- what became of it -----------------------------------------------------------------------------------------------
function settle(id, host, answer, { status, body }, whenSignedOut = signedOut) {
  if (status < 300) {
    unstore("answers", answer.key).catch(() => {});  // it counts as sent until the item shows it
    if (answer.values) dropDraft(id);
    const outcome = outcomeFrom(answer, body);
    tell(id, outcome, host);
    announce(outcome.text);
    lookAgain(id);
    return;
  }
  const text = overText(answer, body), place = hostOf(answer, id);
  if (body.code === "signature_required" && place) return toSign(id, place, answer, body);
  if (body.code === "changed" && body.notification && place) return changed(id, answer, body);
  if (!place) {  // its comment stays stored until the item is opened
    tell(id, { text: text ?? say(body.code === "changed" ? "changed" : "not_recorded") });
    sending.delete(id);
    late.set(id, { ...answer, ended: { status, body } });
    return;
  }
  ended(id);
  if (text) {
    tell(id, { text }, host);
    keep(place, wordsOf(answer), { why: text });
    return;
  }
  restore(id);
  if (body.code === "comment_required") return reopenAsk(place, answer);
  if (body.code === "invalid_values" && slot(place, "form")) {
    giveBack(place, answer);
    return import("./forms.js").then(({ refused }) => refused(place, body.errors), () => {});
  }
  keep(place, wordsOf(answer));
  if (status === 401 || body.code === "csrf_failed") return whenSignedOut();
  const why = body.ended === "device" ? "device_removed" : body.code === "not_allowed" ? "not_allowed" : "not_recorded";
  showOutcome(place, { text: say(why), mood: "bad" });
}

/** Its person has to sign it. The browser asks them right after a press only: an answer that has waited is pressed again. */
async function toSign(id, host, answer, body) {
  const giveUp = (key) => {
    delete answer.signature;
    ended(id);
    restore(id);
    giveBack(host, answer);
    showOutcome(host, { text: say(key, { title: answer.title }), mood: "bad" }).focus({ preventScroll: true });
    announce(say(key, { title: answer.title }));
  };
  if (!body.has_passkey) return giveUp("sign_none");
  if (answer.signature) return giveUp("sign_again");
  if (answer.waited || !answer.host) return giveUp("sign_now");
  tell(id, { text: say("signing") }, host);
  try {
    const { sign } = await import(settings.signer);
    answer.signature = await sign([{ ...answer, id }], csrfToken());
  } catch (error) {
    return giveUp(error.message === "unable" ? "sign_unable" : "sign_again");
  }
  return send(host, answer);
}

/** It has changed since: nothing was sent, and its reader is asked again, with what they wrote. */
async function changed(id, answer, { notification, changes }) {
  const item = (await sinceShown(id, answer.revision)) ?? { ...notification, changes }, place = hostOf(answer, id);
  ended(id);
  if (!(known.get(id)?.seq > item.seq)) known.set(id, item);
  restore(id);
  if (item.state !== "open") return receive(item), keep(place, wordsOf(answer));
  seen(id);
  for (const each of hostsOf(id)) showChanges(each, item.changes);
  giveBack(place, answer);
  showOutcome(place, { text: say("changed"), mood: "bad" }).focus({ preventScroll: true });
  announce(`${say("changed")} ${changeLine(item.changes)}`);
  document.dispatchEvent(new CustomEvent("item-revised", { detail: id }));
}

/** Fetch the item, since there may be no live connection, or no change that it would send. */
async function lookAgain(id) {
  try {
    const response = await fetch(`/api/v1/notifications/${id}`);
    if (!response.ok) return;
    const item = await response.json();
    ended(id);
    receive(item);
  } catch {
    // what was shown stays true; the live connection sends the rest
  }
}

/** Why an answer came too late; nothing where the item may still be answered. */
function overText(answer, body) {
  if (body.ended) return body.ended === "withdrawn" ? say("withdrawn") : null;
  if (["already_handled", "withdrawn", "expired"].includes(body.code)) return say(body.code);
  if (body.code !== "already_answered") return null;
  return outcomeFrom(answer, { action: body.action, by: body.answered_by, at: body.answered_at }).text;
}

const outcomeFrom = (answer, outcome) => outcomeOf({ state: "answered", actions: [answer], outcome });

function reopenAsk(host, answer) {
  const button = host.querySelector(`[data-action="${CSS.escape(answer.action)}"]`);
  if (!button) return;
  ask(host, button);
  fault(slot(host, "ask-form"), say("comment_required"));
}

/** Show the state of an answer, wherever its item is shown. */
function tell(id, progress, focus = null) {
  if (sending.has(id)) sending.get(id).progress = progress;
  let line = null;
  for (const host of hostsOf(id)) {
    const shown = showOutcome(host, progress);
    showLeft(host, progress);
    if (host === focus) line = shown;
  }
  return line;
}

function restore(id) {
  for (const host of hostsOf(id)) {
    if (known.has(id)) fill(host, known.get(id));
    else showOutcome(host, { text: "" });
    showActions(host, true);
  }
}
