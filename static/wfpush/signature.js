// A signature, by finger, pen or mouse, or as a name that somebody writes: drawn here, and sent as a picture like other files
// (attaching.js). Loaded where a form asks for one; without it a picture of it is attached, or the name goes as text.

import { filesIn, put, setFiles } from "./attaching.js";
import { made } from "./controls.js";

const WIDTH = 480, HEIGHT = 160, FINE = 2, PEN = 2.4;  // pixels of the page; pixels of the picture for each
const CALM = 800;  // milliseconds without drawing before it is sent
const INK = "#10233f", FAINT = "#5b6472", PAPER = "#ffffff";  // whatever colours the page has: it is read on paper, too
const wait = () => new Promise((wake) => setTimeout(wake, CALM));

/** Make a box a place to sign in. */
export function begin(box, words) {
  const canvas = Object.assign(made("canvas"), { width: WIDTH * FINE, height: HEIGHT * FINE }), pen = canvas.getContext("2d");
  const clear = Object.assign(made("button", "plain", words.clear), { type: "button" }), field = box.querySelector("[data-signed]") ?? fieldFor(box, words);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words.sign_here);
  box.classList.add("signing");
  box.prepend(canvas, clear);
  const blank = () => {
    Object.assign(pen, { fillStyle: PAPER, strokeStyle: INK, lineWidth: PEN * FINE, lineCap: "round", lineJoin: "round" });
    pen.fillRect(0, 0, canvas.width, canvas.height);
  };
  const attach = () => put(box, `${words.signature}.png`, (isWanted) => wait().then(() => isWanted() && new Promise((resolve) => canvas.toBlob(resolve, "image/png"))));
  const show = () => {
    const [signed] = filesIn(box);
    blank();
    if (!signed) return writeHint(pen, words.sign_here, canvas);
    return createImageBitmap(signed.blob).then((picture) => pen.drawImage(picture, 0, 0), () => {});
  };
  show();
  box.addEventListener("files-set", show);
  clear.addEventListener("click", () => {
    field.value = "";
    setFiles(box, []);
    field.focus();
  });
  field.addEventListener("input", () => {
    if (!field.value.trim()) return setFiles(box, []);
    blank();
    writeName(pen, field.value.trim(), canvas);
    return attach();
  });
  draw(canvas, pen, () => {
    if (field.value || !box.querySelector(".attached li")) blank();
    field.value = "";
  }, attach);
}

/** `began`: a stroke begins; `ended`: one is done. */
function draw(canvas, pen, began, ended) {
  let last = null;
  const at = ({ offsetX, offsetY }) => [offsetX * canvas.width / canvas.clientWidth, offsetY * canvas.height / canvas.clientHeight];
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    began();
    last = at(event);
    line(pen, last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    for (const each of last ? event.getCoalescedEvents?.() ?? [event] : []) {
      const next = at(each);
      line(pen, last, next);
      last = next;
    }
  });
  for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, () => {
    if (last) ended();
    last = null;
  });
}

function line(pen, from, to) {
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
}

function writeName(pen, name, { width, height }) {
  const font = (size) => `italic ${size}px "Segoe Script", "Bradley Hand", "Snell Roundhand", cursive`;
  pen.font = font(height / 3);
  const wide = pen.measureText(name).width, most = width * 0.9;
  if (wide > most) pen.font = font((height / 3) * most / wide);
  Object.assign(pen, { fillStyle: INK, textBaseline: "middle", textAlign: "center" });
  pen.fillText(name, width / 2, height / 2);
}

/** Where to sign; it goes with the first stroke. */
function writeHint(pen, text, { width, height, clientWidth }) {
  Object.assign(pen, { font: `${14 * width / (clientWidth || WIDTH)}px system-ui, sans-serif`, fillStyle: FAINT, textBaseline: "middle", textAlign: "center" });
  pen.fillText(text, width / 2, height / 2, width * 0.9);
}

/** As templates/inbox/_attach.html. */
function fieldFor(box, words) {
  const input = box.querySelector("[type=file]"), id = `${input.name}-name`, label = Object.assign(made("label", "", words.sign_name), { htmlFor: id });
  const field = Object.assign(made("input"), { type: "text", id, name: `${input.name}.name`, maxLength: 100, autocomplete: "name" });
  field.dataset.signed = "";
  if (input.hasAttribute("form")) field.setAttribute("form", input.getAttribute("form"));
  box.querySelector(".buttons").after(label, field);
  return field;
}
