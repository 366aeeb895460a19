// Files of a reply, a message or a form: each is sent as soon as it is chosen, pictures made smaller before, and its id goes with
// the form. What cannot be sent now waits for the form. Without this module the browser sends the files with the form
// (templates/inbox/_attach.html, whose element is called a box here).

import { csrfToken, slot } from "./cards.js";
import { newId } from "./ids.js";
import { announce, say, settings } from "./words.js";

const MOST_SIDE = 2_048, QUALITY = 0.85;  // pixels; of a JPEG
const PATIENCE = 120_000;  // milliseconds for a file
const DRAWN = { "image/jpeg": "image/jpeg", "image/png": "image/png", "image/webp": "image/jpeg", "image/heic": "image/jpeg", "image/heif": "image/jpeg" };
const ENDS = { "image/jpeg": ".jpg", "image/png": ".png" };
const held = new WeakMap();  // the line of a file → {id, name, blob, sent, sending}

const linesIn = (place) => [...place.querySelectorAll('[data-slot="attached"] li')];
const heldIn = (place) => linesIn(place).map((line) => held.get(line)).filter(Boolean);
const boxesOf = (form) => [...new Set([...form.elements].filter(({ type }) => type === "file").map((input) => input.closest("[data-attach]")))];

document.addEventListener("change", ({ target }) => target.matches?.("[data-attach] [type=file]") && chosen(target));

// A form waits for the files that are on their way. One that the browser itself sends has to have them all.
document.addEventListener("submit", (event) => {
  const form = event.target, boxes = boxesOf(form), attachments = boxes.flatMap(heldIn), busy = attachments.filter(({ sending }) => sending);
  const plain = form.matches(".write, [data-plain]") && attachments.some(({ sent }) => !sent);
  if (!busy.length && !plain) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const ready = busy.length ? finished(busy) : allSent(form);
  ready.then((done) => (done ? form.requestSubmit(event.submitter) : fault(boxes[0], say("message_not_sent"))));
}, { capture: true });

async function chosen(input) {
  const box = input.closest("[data-attach]"), files = [...input.files];
  if (!files.length) return;
  input.value = "";
  fault(box, "");
  const before = "single" in box.dataset ? linesIn(box) : [];
  for (const file of files) {
    const line = lineOf(box, { id: newId(), name: file.name, blob: null, sent: false }), attachment = held.get(line);
    attachment.sending = send(box, line, attachment, file).then(() => line.isConnected && drop(before)).finally(() => (attachment.sending = null));
    await attachment.sending;
  }
}

/** A file that the page makes, in place of what the box had. `made`: a function to its bytes, which is given another that says whether it is still wanted. */
export function put(box, name, made) {
  empty(box);
  fault(box, "");
  const line = lineOf(box, { id: newId(), name, blob: null, sent: false }), attachment = held.get(line), isWanted = () => line.isConnected;
  attachment.sending = made(isWanted).then((blob) => {
    if (!isWanted()) return null;
    attachment.blob = blob;
    return upload(box, line, attachment);
  }).finally(() => (attachment.sending = null));
  hasChanged(line.querySelector("input"));
}

/** What goes with a message: ids of its files, the files, and what they are called. */
export function filesOf(form) {
  const attachments = new FormData(form).getAll("attachments");
  return { attachments, files: filesIn(form), names: namesIn(form) };
}

/** When nothing is on its way any more. */
export const settled = (place) => finished(heldIn(place).filter(({ sending }) => sending));

function finished(busy) {
  if (busy.length) announce(say("file_awaited", { name: busy[0].name }));
  return Promise.all(busy.map(({ sending }) => sending));
}

/** Its files, but for those that have no bytes yet. What the server has got may be gone again before the answer is sent (uploads.js). */
export const filesIn = (place) => heldIn(place).filter(({ blob }) => blob).map(({ id, name, blob, sent }) => ({ id, name, blob, sent }));

export const namesIn = (place) => linesIn(place).map((line) => line.querySelector("[dir]").textContent);

/** Whether all files are with the server; else they are sent once more, for forms that cannot wait for a connection. */
export async function allSent(form) {
  for (const box of boxesOf(form)) for (const line of linesIn(box)) {
    const attachment = held.get(line);
    if (attachment && !attachment.sent) await upload(box, line, attachment);
  }
  return boxesOf(form).flatMap(heldIn).every(({ sent }) => sent);
}

/** The form was sent. */
export const cleared = (form) => slot(form, "attached")?.replaceChildren();

/** For drafts: a box with these files, which is told by `files-set`. */
export function setFiles(box, files) {
  slot(box, "attached").replaceChildren();
  for (const file of files) tellState(lineOf(box, { ...file }), file.sent);
  box.dispatchEvent(new Event("files-set"));
}

async function send(box, line, attachment, file) {
  announce(say("file_sending", { name: file.name }));
  Object.assign(attachment, await smaller(file));
  if (!attachment.blob.size) return refused(box, line, say("file_empty", { name: file.name }));
  if (attachment.blob.size > settings.max_file) return refused(box, line, say("file_too_large", { name: file.name, most: Math.floor(settings.max_file / 1e6) }));
  return upload(box, line, attachment);
}

async function upload(box, line, attachment) {
  const { status, body } = await posted(attachment, (share) => (line.querySelector("progress").value = share));
  attachment.stop = null;
  if (!line.isConnected) return;
  if (status >= 400 && status < 500 && status !== 401 && status !== 403) return refused(box, line, `${attachment.name}: ${body.detail ?? say("not_loaded")}`);
  if (status >= 200 && status < 300) {
    Object.assign(attachment, { sent: true, name: body.name });
    line.querySelector("[dir]").textContent = body.name;
  }
  tellState(line, attachment.sent);
  announce(attachment.sent ? say("file_attached", { name: attachment.name }) : `${attachment.name}: ${say("will_be_sent")}`);
  hasChanged(line.querySelector("input"));
}

function tellState(line, isSent) {
  const whenSent = line.closest("[data-signature]") ? say("file_signed") : "";
  line.querySelector("progress").hidden = true;
  line.querySelector("[data-state]").textContent = isSent ? whenSent : say("will_be_sent");
}

function refused(box, line, why) {
  line.remove();
  fault(box, why);
  hasChanged(box.querySelector("[type=file]"));
}

/** Tell the form of a task (forms.js). */
function hasChanged(field) {
  for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
}

function fault(box, text) {
  const place = slot(box, "attach-fault");
  place.textContent = text;
  place.hidden = !text;
}

/** {status, body}; a status of 0 when nobody answered. `fetch` tells no progress. */
function posted(attachment, progress) {
  const { id, name, blob } = attachment;
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    attachment.stop = () => request.abort();
    request.open("POST", `/api/v1/attachments?id=${id}&name=${encodeURIComponent(name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.responseType = "json";
    request.timeout = PATIENCE;
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onload = () => resolve({ status: request.status, body: request.response ?? {} });
    request.onerror = request.ontimeout = request.onabort = () => resolve({ status: 0, body: {} });
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
function lineOf(box, attachment) {
  const line = document.createElement("li"), words = document.createElement("span"), id = document.createElement("input");
  const bar = document.createElement("progress"), state = document.createElement("span"), remove = document.createElement("button");
  const input = box.querySelector("[type=file]"), { name } = attachment;
  Object.assign(words, { dir: "auto", textContent: name });
  Object.assign(id, { type: "hidden", name: "field" in box.dataset ? input.name : "attachments", value: attachment.id });
  if (input.hasAttribute("form")) id.setAttribute("form", input.getAttribute("form"));
  Object.assign(bar, { value: 0, max: 1 });
  bar.setAttribute("aria-label", say("file_sending", { name }));
  Object.assign(state, { className: "hint" });
  state.dataset.state = "";
  Object.assign(remove, { type: "button", className: "plain", textContent: say("file_remove") });
  remove.setAttribute("aria-label", `${say("file_remove")}: ${name}`);
  remove.addEventListener("click", () => {
    line.remove();
    discard(attachment);
    announce(say("file_removed", { name }));
    input.focus();
    hasChanged(input);
  });
  line.append(words, bar, state, id, remove);
  held.set(line, attachment);
  slot(box, "attached").append(line);
  return line;
}

function empty(box) {
  drop(linesIn(box));
}

function drop(lines) {
  for (const line of lines) {
    line.remove();
    if (held.has(line)) discard(held.get(line));
  }
}

/** The server need not keep it either; should it not hear of that, it removes what nothing uses by itself. */
function discard({ id, sent, stop }) {
  stop?.();
  if (sent) fetch(`/api/v1/attachments/${id}`, { method: "DELETE", headers: { "X-CSRFToken": csrfToken() }, keepalive: true }).catch(() => {});
}
