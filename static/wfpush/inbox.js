// Makes the server's page live. Without this file everything still works, as plain links and forms.

import * as answers from "./answers.js";
import * as app from "./app.js";
import { csrfToken, tick } from "./cards.js";
import * as documents from "./documents.js";
import * as unsent from "./unsent.js";
import * as list from "./list.js";
import { connect } from "./live.js";
import * as reader from "./reader.js";
import { announce, now, say, settings, when } from "./words.js";

const TICK = 10_000;  // milliseconds between updates of the times on the page
const NOTICED = 2_500;  // milliseconds within which a lost connection is not reported
const connection = document.getElementById("connection");
const trouble = document.getElementById("trouble");
let seenAt = now(), complaint = 0, complained = false;

const SENTENCES = {
  lost: () => ({ sentence: say("reconnecting", { when: when(seenAt, now()) }) }),
  offline: () => ({ sentence: say("offline", { when: when(seenAt, now()) }) }),
  "signed-out": () => ({ sentence: say("signed_out"), way: signInAgain(), word: say("sign_in_again") }),
  refused: () => ({ sentence: say("refused"), way: location.href, word: say("reload") }),
};

function signInAgain() {
  return `${settings.sign_in}?next=${encodeURIComponent(location.pathname)}`;
}

function showState(state) {
  connection.hidden = false;
  connection.dataset.mood = state === "live" ? "live" : state === "connecting" ? "" : "paused";
  connection.lastElementChild.textContent = say(state === "live" || state === "connecting" ? state : "paused");
  clearTimeout(complaint);
  documents.mark();
  if (state === "live" || state === "connecting") {
    trouble.hidden = true;
    if (complained && state === "live") announce(say("connected_again"));
    complained = complained && state !== "live";
    return;
  }
  const waits = state === "lost" && trouble.hidden ? NOTICED : 0;
  complaint = setTimeout(() => complain(SENTENCES[state]()), waits);
}

function complain({ sentence, way = "", word = "" }) {
  const [text, link] = trouble.children;
  text.textContent = sentence;
  link.hidden = !way;
  if (way) Object.assign(link, { href: way, textContent: word });
  trouble.hidden = false;
  complained = true;
}

function signedOut() {
  if (answers.sending.size) answers.withAnswering(({ holdUntilSignedIn }) => holdUntilSignedIn());
  showState("signed-out");
}

/** The page is older than the server: offer once to load it again, and change nothing by itself. */
function tellVersion({ version }) {
  const line = document.getElementById("new-version");
  if (version === settings.version || !line.hidden) return;
  line.hidden = false;
  line.querySelector("button").addEventListener("click", () => location.reload());
}

const offline = "offline" in document.body.dataset;
if (offline) seenAt = await import("./offline.js").then(({ restoreList }) => restoreList());
answers.start(signedOut);
unsent.start();
documents.start();
await reader.start();
const resumed = answers.resume();
const live = connect(Number(document.body.dataset.seq), {
  onItem(item, unread) {
    seenAt = now();
    app.keepItem(item);
    answers.receive(item);
    list.receive(item);
    list.tellUnread(unread);
    reader.refresh(item.id);
    document.dispatchEvent(new CustomEvent("item-changed"));
  },
  onSynced(unread) {
    seenAt = now();
    app.keepTime();
    app.send();
    list.tellUnread(unread);
  },
  onReset: list.reset,
  onRemoved: app.removed,
  onState(state) {
    if (connection.dataset.mood === "live" && state !== "live") seenAt = now();
    if (connection.dataset.mood === "paused" && state === "live") app.lookForNews({ surely: true });
    showState(state);
  },
});

document.addEventListener("left", live.stop);

document.getElementById("read-all")?.addEventListener("submit", (event) => {
  event.preventDefault();
  fetch("/api/v1/notifications/read", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify({ up_to: live.seen() }),
  }).catch(() => event.target.submit());
});
setInterval(tick, TICK);
document.addEventListener("visibilitychange", () => document.hidden || tick());

const heard = {
  answered: (message) => resumed.then(() => answers.withAnswering(({ settled }) => settled(message))),
  document: documents.heard,
  open: ({ address }) => reader.visit(address),
  "signed-out": signedOut,
  version: tellVersion,
  waiting: ({ answer }) => answers.withAnswering(({ waits }) => waits(answer)),
};
const registration = await app.start(heard, offline ? 0 : Number(document.body.dataset.seq));
if (document.getElementById("push")) import("./push.js").then(({ start }) => start(registration), () => {});
document.addEventListener("toggle", ({ target }) => target.matches?.(".comment") && import("./conversation.js"), { capture: true });
if (settings.learn_timezone && !offline) learnTimezone();

/** A person without a time zone has that of their browser from now on. The page then says times in it, too. */
async function learnTimezone() {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions(), body = new FormData();
  body.set("timezone", timeZone ?? "");
  body.set("csrfmiddlewaretoken", csrfToken());
  const reply = await fetch(settings.learn_timezone, { method: "POST", body }).catch(() => null);
  if (reply?.status === 204 && timeZone !== settings.timezone) list.reset();
}

if (!document.getElementById("several")) document.getElementById("find")?.addEventListener("input", () => import("./search.js").catch(() => {}), { once: true });
if (matchMedia("(hover: hover)").matches && document.getElementById("show-keys")) import("./keys.js");
