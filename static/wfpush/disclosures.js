// What opens on a page to write or choose in (<details>): the focus goes into it, and Escape closes it.

const CONTROLS = "textarea, select, button, input:not([type=hidden])";
const controlIn = (details) => [...details.querySelectorAll(CONTROLS)].find((control) => control.getClientRects().length);
let pressed = null;

export function start() {
  document.addEventListener("click", (event) => (pressed = event.target.closest("summary")?.parentElement));
  document.addEventListener("toggle", ({ target }) => {
    if (target !== pressed) return;  // pages open some by themselves: the focus stays where it is then
    if (target.open) controlIn(target)?.focus();
    pressed = null;
  }, { capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.repeat && event.target.matches("details button")) event.preventDefault();
    if (event.key === "Escape") close(event.target.closest("details[open]"));
  });
}

function close(details) {
  if (!details || !controlIn(details) || details.querySelector("[role=listbox]:not([hidden])")) return;
  details.open = false;
  details.querySelector("summary").focus();
}

/** Whether one that holds something to write or choose in is open, and seen. */
export const isOneOpen = () => [...document.querySelectorAll("details[open]")].some(controlIn);
