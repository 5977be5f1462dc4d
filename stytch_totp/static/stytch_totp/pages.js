// What the pages gain where scripts run: buttons to copy and to print, hidden where they don't.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break; // a page without TLS has none
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  button.after(said);
  button.hidden = false;
  button.addEventListener("click", async () => {
    const shown = document.getElementById(button.dataset.copy).innerText.trim();
    await navigator.clipboard.writeText(button.dataset.copy === "secret" ? shown.replaceAll(" ", "") : shown);
    said.textContent = button.dataset.done;
  });
}
// A code is good once: the second of two clicks would be told that it was used.
for (const form of document.querySelectorAll("form[method=post]")) {
  let isSent = false;
  form.addEventListener("submit", (event) => (isSent ? event.preventDefault() : (isSent = true)));
  addEventListener("pageshow", () => (isSent = false)); // and back again
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
