// Files of a reply or message: each is sent as soon as it is chosen, pictures made smaller before, and its id goes with the form.
// What cannot be sent now waits for the form. Without this module the browser sends the files with the form
// (templates/inbox/_attach.html).

import { csrfToken, slot } from "./cards.js";
import { announce, say, settings } from "./words.js";

const MOST_SIDE = 2_048, QUALITY = 0.85;  // pixels; of a JPEG
const DRAWN = { "image/jpeg": "image/jpeg", "image/png": "image/png", "image/webp": "image/jpeg", "image/heic": "image/jpeg", "image/heif": "image/jpeg" };
const ENDS = { "image/jpeg": ".jpg", "image/png": ".png" };
const held = new WeakMap();  // the line of a file → {id, name, blob, sent}

document.addEventListener("change", ({ target }) => target.matches?.("[data-attach] [type=file]") && chosen(target));

// A form waits for the files that are on their way. One that the browser itself sends has to have them all.
document.addEventListener("submit", (event) => {
  const form = event.target, kept = linesOf(form).map((line) => held.get(line)), busy = kept.filter(({ sending }) => sending);
  const plain = form.matches(".write") && kept.some(({ sent }) => !sent);
  if (!busy.length && !plain) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const ready = busy.length ? Promise.all(busy.map(({ sending }) => sending)) : allSent(form);
  ready.then((done) => (done ? form.requestSubmit(event.submitter) : fault(form, say("message_not_sent"))));
}, { capture: true });

async function chosen(input) {
  const form = input.form, files = [...input.files];
  input.value = "";
  fault(form, "");
  for (const file of files) {
    const line = lineOf(form, file.name), kept = { id: newId(), name: file.name, blob: null, sent: false };
    held.set(line, kept);
    line.querySelector("input").value = kept.id;
    kept.sending = send(form, line, kept, file).finally(() => (kept.sending = null));
    await kept.sending;
  }
}

/** What goes with a form: ids of its files, those that the server has not got yet, and what they are called. */
export function filesOf(form) {
  const kept = linesOf(form).map((line) => held.get(line)), known = new FormData(form).getAll("attachments");
  const files = kept.filter(({ sent }) => !sent).map(({ id, name, blob }) => ({ id, name, blob }));
  return { attachments: [...known, ...files.map(({ id }) => id)], files, names: namesOf(form) };
}

const namesOf = (form) => [...form.querySelectorAll('[data-slot="attached"] li [dir]')].map(({ textContent }) => textContent);
const linesOf = (form) => [...form.querySelectorAll('[data-slot="attached"] li')].filter((line) => held.has(line));

/** Whether all files are with the server; else they are sent once more, for forms that cannot wait for a connection. */
export async function allSent(form) {
  for (const line of linesOf(form)) {
    const kept = held.get(line);
    if (!kept.sent) await upload(form, line, kept);
  }
  return linesOf(form).every((line) => held.get(line).sent);
}

/** The form was sent. */
export const cleared = (form) => slot(form, "attached")?.replaceChildren();

async function send(form, line, kept, file) {
  announce(say("file_sending", { name: file.name }));
  Object.assign(kept, await smaller(file));
  if (!kept.blob.size) return refused(form, line, say("file_empty", { name: file.name }));
  if (kept.blob.size > settings.max_file) return refused(form, line, say("file_too_large", { name: file.name, most: Math.floor(settings.max_file / 1e6) }));
  return upload(form, line, kept);
}

async function upload(form, line, kept) {
  const { status, body } = await posted(kept, (share) => (line.querySelector("progress").value = share));
  if (!line.isConnected) return;
  line.querySelector("progress").hidden = true;
  if (status >= 200 && status < 300) return arrived(line, kept, body);
  if (status >= 400 && status < 500 && status !== 401 && status !== 403) return refused(form, line, `${kept.name}: ${body.detail ?? say("not_loaded")}`);
  line.querySelector("[data-state]").textContent = say("file_waits");
  announce(`${kept.name}: ${say("file_waits")}`);
}

function arrived(line, kept, { name }) {
  Object.assign(kept, { sent: true, blob: null, name });
  line.querySelector("[dir]").textContent = name;
  line.querySelector("[data-state]").textContent = "";
  line.querySelector("input").disabled = false;
  announce(say("file_attached", { name }));
}

function refused(form, line, why) {
  line.remove();
  fault(form, why);
}

function fault(form, text) {
  const place = slot(form, "attach-fault");
  place.textContent = text;
  place.hidden = !text;
}

/** {status, body}; a status of 0 when nobody answered. `fetch` tells no progress. */
function posted({ id, name, blob }, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/attachments?id=${id}&name=${encodeURIComponent(name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onload = () => resolve({ status: request.status, body: request.response ?? {} });
    request.onerror = request.ontimeout = () => resolve({ status: 0, body: {} });
    request.send(blob);
  });
}

// --- pictures --------------------------------------------------------------------------------------------------------
/** {blob, name}: a picture is drawn anew, at most MOST_SIDE long, and so without the place where it was taken. */
async function smaller(file) {
  const type = DRAWN[file.type];
  try {
    const picture = type && (await createImageBitmap(file, { imageOrientation: "from-image" }));
    if (!picture) return { blob: file, name: file.name };
    const scale = Math.min(1, MOST_SIDE / Math.max(picture.width, picture.height)), canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
    return { blob: blob ?? file, name: file.name.replace(/(\.\w{1,5})?$/, ENDS[type]) };
  } catch {
    return { blob: file, name: file.name };  // the browser cannot draw it: it goes as it is
  }
}

// --- the list of files -----------------------------------------------------------------------------------------------
function lineOf(form, name) {
  const line = document.createElement("li"), words = document.createElement("span"), id = document.createElement("input");
  const bar = document.createElement("progress"), state = document.createElement("span"), remove = document.createElement("button");
  Object.assign(words, { dir: "auto", textContent: name });
  Object.assign(id, { type: "hidden", name: "attachments", disabled: true });
  Object.assign(bar, { value: 0, max: 1 });
  bar.setAttribute("aria-label", say("file_sending", { name }));
  Object.assign(state, { className: "hint" });
  state.dataset.state = "";
  Object.assign(remove, { type: "button", className: "plain", textContent: say("file_remove") });
  remove.setAttribute("aria-label", `${say("file_remove")}: ${name}`);
  remove.addEventListener("click", () => {
    line.remove();
    announce(say("file_removed", { name }));
    form.querySelector("[data-attach] label:last-of-type input").focus();
  });
  line.append(words, bar, state, id, remove);
  slot(form, "attached").append(line);
  return line;
}

/** A random UUID; `crypto.randomUUID` is missing on pages without https. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
