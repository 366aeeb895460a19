// Fills what shows an item (a row of the list, the reader's page) from the item as the API has it. The markup is the server's:
// templates/inbox/_row.html, cloned from <template>. Nothing here builds HTML from text.

import { due, exact, isMine, now, outcomeOf, say, settings, stamp } from "./words.js";

const RANKS = { urgent: 0, high: 1, normal: 2, low: 3 };
const EFFECT_RANKS = { final: 1, reply: 1, request_info: 2, acknowledge: 3 };
const ON_CARD = 2;

export const slot = (host, name) => host.querySelector(`[data-slot="${name}"]`);
export const hostsOf = (id) => document.querySelectorAll(`[data-id="${CSS.escape(id)}"]`);

/** The focus in an element that is about to be replaced. Returns a function that takes the other one, and puts focus and caret there. */
export function holdFocus(here) {
  const element = document.activeElement, places = (host) => [...host.querySelectorAll("a, button, summary, select, textarea, input:not([type=hidden])")];
  if (!here.contains(element)) return () => {};
  const at = places(here).indexOf(element), { id, selectionStart: from, selectionEnd: until } = element;
  return (there) => {
    const next = (id && there.querySelector(`#${CSS.escape(id)}`)) || places(there)[at];
    next?.focus({ preventScroll: true });
    if (Number.isInteger(from)) next?.setSelectionRange?.(from, until);
  };
}

/** A new row for an item. */
export function build(item) {
  const element = document.getElementById("row-template").content.firstElementChild.cloneNode(true);
  element.id = `n-${item.id}`;
  element.dataset.id = item.id;
  fill(element, item);
  return element;
}

const address = (id) => `/n/${id}${settings.list ?? ""}`;

/** An answer to a task with a form is given where the form is: on the item's page as the server makes it. */
const needsItem = (host, { values }) => Boolean(values) && !slot(host, "form");

export const csrfToken = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

/**
 * Update an element that shows an item. Buttons are replaced only if they differ, and the outcome is never hidden in between,
 * since it would lose the focus. `progress`: what to show instead while an answer is being sent.
 */
export function fill(host, item, progress = null) {
  const open = item.state === "open";
  host.dataset.revision = item.revision ?? "";
  fillAddress(slot(host, "actions"), item.revision ?? "");
  Object.assign(host.dataset, { state: item.state, priority: item.priority, due: item.due_at ?? "", created: item.created_at });
  host.toggleAttribute("data-unread", !item.read_at);
  host.toggleAttribute("data-back", Boolean(item.back_at));
  fillTitle(host, item);
  for (const name of ["title", "snippet", "body"]) fillLanguage(slot(host, name), item);
  fillText(host, "more-title", item.title);
  fillGlance(host, item);
  fillText(host, "body", item.body);
  fillText(host, "lines", (item.lines ?? []).join(" · "));
  slot(host, "unread")?.toggleAttribute("hidden", Boolean(item.read_at));
  for (const name of ["title", "more"]) {
    const link = slot(host, name);
    if (link?.tagName === "A") link.href = address(item.id);
  }
  fillPriority(host, open ? item.priority : "");
  fillDue(host, open ? item.due_at : null);
  const answered = item.state === "answered" && item.outcome?.at;
  fillStamp(host, Date.parse(answered) ? answered : item.created_at);
  if (isRow(host)) slot(host, "stamp").hidden = ["withdrawn", "expired"].includes(item.state);
  showOutcome(host, progress ?? outcomeOf(item));
  fillButtons(host, open ? offered(item) : []);
  if (progress) showLeft(host, progress);
}

/** Where a form of the page goes without this script: with the revision that is shown. */
function fillAddress(form, revision) {
  if (!form?.matches("form[action]")) return;  // its property `action` is a button of that name
  form.setAttribute("action", form.getAttribute("action").replace(/revision=[^&]*/, `revision=${encodeURIComponent(revision)}`));
}

/** The language and direction of a message's own words. */
function fillLanguage(element, { language, direction }) {
  if (!element || !language) return;
  element.lang = language;
  element.dir = direction;
}

function fillText(host, name, text) {
  const element = slot(host, name);
  if (!element) return;
  if (element.textContent !== text) element.textContent = text;
  if (!name.endsWith("title")) element.hidden = !text;
}

/** A row cuts the words of a long title, and never the number at its end. */
function fillTitle(host, { title, glance: { number = "" } = {} }) {
  if (!isRow(host)) return fillText(host, "title", title);
  fillText(host, "words", number ? title.slice(0, -number.length).trimEnd() : title);
  fillText(host, "number", number && ` ${number}`);
}

/** The key facts, one line of the text, and where it comes from: worded by the server, notifications/items/glance.py. */
function fillGlance(host, { key_facts = [], glance = {}, facts = [] }) {
  const { first = "", others = "", text = "", origin = "" } = glance;
  slot(host, "amount")?.toggleAttribute("hidden", !first);
  fillText(host, "glyph", origin.slice(0, 2));
  slot(host, "glyph")?.setAttribute("title", origin);
  fillText(host, "first", first);
  fillText(host, "first-label", first && key_facts[0].label);
  fillText(host, "others", others);
  fillText(host, "origin", origin);
  fillText(host, "snippet", text);
  const below = facts.flatMap(({ parts }) => parts.map((part) => part.text));  // the item's page says each fact once
  fillKeyFacts(host, key_facts.slice(first ? 1 : 0).filter((fact) => !below.includes(fact.text)));
}

/** As templates/inbox/_key_facts.html. */
function fillKeyFacts(host, facts) {
  const list = slot(host, "key-facts");
  if (!list) return;
  const wanted = facts.map(({ label, text }) => {
    const fact = document.createElement("div");
    fact.append(wordsIn("dt", label), wordsIn("dd", text));
    return fact;
  });
  if (wanted.map(factText).join() === [...list.children].map(factText).join()) return;  // marks of what has changed stay
  list.replaceChildren(...wanted);
  list.hidden = !facts.length;
}

const factText = (fact) => [fact.firstElementChild.textContent, fact.lastElementChild.lastChild?.textContent].join("\n");

/** Show what has changed since the reader saw it: old and new where a fact stands, everything else in a list. A card says all in a line. */
export function showChanges(host, changes) {
  for (const mark of host.querySelectorAll(".was")) mark.remove();
  const left = isRow(host) ? changes : changes.filter((change) => !markFact(host, change)), place = slot(host, "changes");
  if (!place) return;
  const list = document.createElement(isRow(host) ? "span" : "ul");
  list.append(...left.flatMap(({ label, before, now }, at) => {
    const line = document.createElement(isRow(host) ? "span" : "li");
    line.append(wordsIn("span", label), ...(before || now ? [": ", markOf(before), wordsIn("ins", now || "—")] : []));
    return at && isRow(host) ? [" · ", line] : [line];
  }));
  place.replaceChildren(wordsIn(isRow(host) ? "span" : "p", say("changed_somehow")), " ", ...(left.length ? [list] : []));
  place.hidden = false;
}

/** Put what it was before a fact. Returns whether the item shows such a fact. */
function markFact(host, { label, before }) {
  if (slot(host, "first-label")?.textContent === label && !slot(host, "amount").hidden) return slot(host, "first").before(markOf(before)), true;
  const term = [...(slot(host, "key-facts")?.querySelectorAll("dt") ?? [])].find(({ textContent }) => textContent === label);
  term?.nextElementSibling.prepend(markOf(before));
  return Boolean(term);
}

function markOf(before) {
  const mark = document.getElementById("was-template").content.firstElementChild.cloneNode(true);
  slot(mark, "before").textContent = before || "—";
  return mark;
}

export function hideChanges(host) {
  for (const mark of host.querySelectorAll(".was")) mark.remove();
  const place = slot(host, "changes");
  if (place) place.hidden = true;
}

const isRow = (host) => host.matches(".row");
const wordsIn = (tag, textContent) => Object.assign(document.createElement(tag), { dir: "auto", textContent });

function fillPriority(host, priority) {
  const badge = slot(host, "priority"), key = `priority_${priority}`;
  if (!badge) return;
  badge.hidden = !(key in settings.texts);
  if (badge.hidden) return;
  badge.className = `badge badge-${priority}`;
  badge.querySelector("use").setAttribute("href", `${settings.icons}#${priority}`);
  badge.querySelector("span").textContent = say(key);
}

function fillDue(host, at) {
  const line = slot(host, "due");
  if (!line) return;
  line.hidden = !at;
  if (!at) return;
  const time = line.querySelector("time");
  time.dateTime = at;
  time.title = exact(new Date(at));
  tellDue(line);
}

function tellDue(line) {
  const time = line.querySelector("time");
  const { text, short, urgency, icon } = due(new Date(time.dateTime), now()), words = "short" in line.dataset ? short : text;
  if (time.textContent === words) return;
  time.textContent = words;
  line.className = `due due-${urgency}`;
  line.querySelector("use").setAttribute("href", `${settings.icons}#${icon}`);
}

function fillStamp(host, at) {
  const time = slot(host, "stamp");
  if (!time) return;
  time.dateTime = at;
  time.title = exact(new Date(at));
  time.textContent = stamp(new Date(at), now());
}

/** Update every due line and time on the page. */
export function tick() {
  for (const line of document.querySelectorAll('[data-slot="due"]:not([hidden])')) tellDue(line);
  for (const time of document.querySelectorAll('[data-slot="stamp"][datetime]')) {
    time.textContent = stamp(new Date(time.dateTime), now());
  }
}

/**
 * Show what became of an item; `mood` is "", "good" or "bad", `again` offers to try again, `undo` to take it back for so many
 * milliseconds. Returns the element.
 */
export function showOutcome(host, { text, mood = "", again = false, undo = 0 }) {
  const line = slot(host, "outcome"), offer = again ? "again" : undo ? "undo" : "";
  line.hidden = !text;
  line.dataset.mood = mood;
  if (outcomeText(host) !== text || line.querySelector("button")?.dataset.offer !== (offer || undefined)) {
    line.textContent = text;
    if (offer) line.append(" ", offerButton(offer));
  }
  if (undo) setTimeout(() => line.querySelector("[data-undo]")?.remove(), undo);
  return line;
}

/** What became of an item, without the button beside it. */
export const outcomeText = (host) => slot(host, "outcome").firstChild?.textContent.trim() ?? "";

function offerButton(offer) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button", textContent: say(offer === "undo" ? "undo" : "try_again") });
  button.dataset[offer] = "";
  button.dataset.offer = offer;
  return button;
}

export function showActions(host, shown, without = null) {
  const form = slot(host, "actions"), buttons = form ? [...slot(form, "buttons").children] : [];
  for (const button of buttons) button.hidden = button === without;
  if (form) form.hidden = !shown || buttons.every(({ hidden }) => hidden);
}

/** The answers that can still be given while one is on its way: all others beside an acknowledgement that waits for a connection. */
export function showLeft(host, { acknowledges = "" }) {
  const given = slot(host, "buttons")?.querySelector(`[data-action="${CSS.escape(acknowledges)}"]`);
  showActions(host, Boolean(acknowledges), given);
}

/** The answers still offered: a person who has acknowledged is not asked to acknowledge again. */
function offered({ actions, outcome }) {
  const given = isMine(outcome) && outcome.engine !== "refused" ? outcome.action : null;
  return actions.filter((action) => !(action.effect === "acknowledge" && action.action === given));
}

function fillButtons(host, actions) {
  const place = slot(host, "buttons");
  if (!place) return;
  const wanted = ordered(actions);
  const shown = isRow(host) ? wanted.slice(0, ON_CARD) : wanted;
  const wantedNow = shown.map((action) => buttonFor(action, action === wanted.primary, needsItem(host, action) ? address(host.dataset.id) : ""));
  if (wantedNow.map(signature).join() !== [...place.children].map(signature).join()) place.replaceChildren(...wantedNow);
  const primary = isRow(host) && place.querySelector("button.primary");
  if (primary) primary.dataset.amount = slot(host, "first")?.textContent ?? "";
  showActions(host, !slot(host, "ask-form"));
}

/** The action of a button on the page, made by the server or by a script. */
export function actionOf(button) {
  const { action, comment } = button.dataset;
  return { action, comment, title: button.textContent.replace(/…$/, "") };
}

const signature = (button) => JSON.stringify(actionOf(button));

function ordered(actions) {
  const primary =
    actions.find((action) => action.effect === "final" && !settings.never_primary.includes(action.action)) ??
    actions.find((action) => ["acknowledge", "reply"].includes(action.effect));
  const rank = (action) => (action === primary ? 0 : EFFECT_RANKS[action.effect]);
  return Object.assign([...actions].sort((one, other) => rank(one) - rank(other)), { primary });
}

/** As templates/inbox/_button.html. `way`: the address where it is given; empty: here. */
function buttonFor({ action, comment, effect, title, values = "", signature: signs }, primary, way) {
  const button = document.createElement(way ? "a" : "button"), className = primary ? "button primary" : "button";
  Object.assign(button, { className, textContent: way || comment === "required" ? `${title}…` : title });
  if (way) {
    button.href = `${way}${way.includes("?") ? "&" : "?"}answer=${encodeURIComponent(action)}#form`;
    button.dataset.fills = action;
    return button;
  }
  Object.assign(button, { type: values ? "submit" : "button", name: "action", value: action });
  if (effect === "acknowledge" && !primary) button.title = say("acknowledge_means", { title });
  Object.assign(button.dataset, { action, comment, effect, values }, signs ? { signature: "" } : {});
  return button;
}

/** Soonest due first, then most urgent, then newest: notifications/inbox/listing.py, most_pressing_first. */
export function morePressing(one, other) {
  const rank = (card) => RANKS[card.dataset.priority] ?? 4;
  const dueOf = (card) => (card.dataset.due ? Date.parse(card.dataset.due) : Infinity);
  const created = (card) => Date.parse(card.dataset.created);
  return compare(dueOf(one), dueOf(other)) || rank(one) - rank(other) || created(other) - created(one);
}

const compare = (one, other) => (one === other ? 0 : one < other ? -1 : 1);
