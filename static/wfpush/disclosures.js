// What opens on a page to write or choose in (<details>): the focus goes into it, and Escape closes it. A menu also closes when
// something beside it is pressed.

const CONTROLS = "textarea, select, button, input:not([type=hidden]), .menu-panel a";
const controlIn = (details) => [...details.querySelectorAll(CONTROLS)].find((control) => control.getClientRects().length);
let pressed = null;

export function start() {
  document.addEventListener("click", (event) => {
    const { target } = event, link = target.closest("a[data-opens]");  // leads to one
    pressed = link ? document.querySelector(link.hash)?.closest("details") : target.closest("summary")?.parentElement;
    if (link && pressed) {
      event.preventDefault();
      if (pressed.open) controlIn(pressed)?.focus();
      else pressed.open = true;
    }
    for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(target)) menu.open = false;
  });
  document.addEventListener("toggle", ({ target }) => {
    if (target.open && target.matches(".menu")) turn(target);
    if (target !== pressed) return;  // pages open some by themselves: the focus stays where it is then
    if (target.open) controlIn(target)?.focus();
    pressed = null;
  }, { capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.repeat && event.target.matches("details button")) event.preventDefault();
    if (event.key === "Escape") close(event.target.closest("details[open]"));
  });
}

/** A menu above its button opens below where there is no room above. */
function turn(menu) {
  menu.classList.remove("opens-down");
  menu.classList.toggle("opens-down", menu.querySelector(".menu-panel").getBoundingClientRect().top < document.getElementById("content").getBoundingClientRect().top);
}

function close(details) {
  if (!details || !controlIn(details) || details.querySelector("[role=listbox]:not([hidden])")) return;
  details.open = false;
  details.querySelector("summary").focus();
}

/** Whether one that holds something to write or choose in is open, and seen. */
export const isOneOpen = () => [...document.querySelectorAll("details[open]")].some(controlIn);
