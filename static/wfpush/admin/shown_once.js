// A reload must neither show the secret again nor make another one: the address becomes the row's own.
const section = document.querySelector("[data-shown-once]");
if (section) history.replaceState(null, "", section.dataset.shownOnce);

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.copied;
  });
}
