// The page of settings: the sentences about what would happen follow what is typed. The server makes them, as the page has them.

const CALM = 500;  // milliseconds without a key press before the server is asked

const form = document.getElementById("settings-form"), shown = document.getElementById("outlook");
let timer = 0, asking = null;

if (form) form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, CALM);
});

/** What cannot stay so is said when it is saved; until then the sentences stay as they are. */
async function ask() {
  asking?.abort();
  const mine = asking = new AbortController();
  shown.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(form.dataset.outlook, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: mine.signal, redirect: "error" });
    if (response.status === 200) shown.replaceChildren(...new DOMParser().parseFromString(await response.text(), "text/html").body.childNodes);
  } catch {
    if (mine.signal.aborted) return;  // a later question is on its way
  }
  shown.removeAttribute("aria-busy");
}
