// One view at a time, cloned from the page's templates, and what keyboards and screen readers need of the change.

import { word } from "./words.js";

const place = document.getElementById("view");
const status = document.getElementById("status");
let busy = false;

/**
 * Show the template called `name`.
 *
 * `slots` fill what is marked `data-slot` (text, elements, an image's address) and hide what is marked `data-if`
 * of something empty; `values` are for fields; `on` has what a form's or a button's `data-do` does. Text is only
 * ever set as text, so that nobody's name is read as markup.
 */
export function show(name, { slots = {}, values = {}, on = {}, notice = "", alert = "" } = {}) {
  const view = document.getElementById(name).content.cloneNode(true);
  for (const slot of view.querySelectorAll("[data-slot]")) {
    const value = slots[slot.dataset.slot] ?? "";
    if (slot instanceof HTMLImageElement) slot.src = value;
    else slot.replaceChildren(...[value].flat());
  }
  for (const part of view.querySelectorAll("[data-if]")) part.hidden = !slots[part.dataset.if];
  for (const [field, value] of Object.entries(values)) view.getElementById(field).value = value;
  for (const doer of view.querySelectorAll("[data-do]")) listen(doer, on[doer.dataset.do]);
  for (const button of view.querySelectorAll("[data-copy]")) offerCopy(button);

  const isFirst = !place.hasChildNodes(); // who has just come is not moved about
  place.replaceChildren(view);
  const heading = place.querySelector("h1");
  document.title = `${heading.textContent} – Harbor`;
  if (!isFirst) (place.querySelector("[data-focus]") ?? heading).focus();
  tell(status, notice, "notice");
  complain(alert);
}

/** Say what is wrong beside the form, where it is announced, and put the cursor where it can be mended. */
export function complain(text, { invalid = false, focus = false } = {}) {
  tell(document.getElementById("error"), text, "alert");
  const field = [...place.querySelectorAll("form input")].at(-1);
  field?.setAttribute("aria-invalid", invalid);
  if (focus) {
    field?.focus();
    field?.select();
  }
}

export function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function listen(doer, action) {
  doer.addEventListener(doer instanceof HTMLFormElement ? "submit" : "click", async (event) => {
    event.preventDefault();
    if (busy) return; // pressed twice: a code is spent once
    busy = true;
    place.classList.add("busy");
    tell(status, "");
    complain(""); // so that the same words, if they come again, are announced again
    try {
      await action(doer instanceof HTMLFormElement ? Object.fromEntries(new FormData(doer)) : {});
    } finally {
      busy = false;
      place.classList.remove("busy");
    }
  });
}

function offerCopy(button) {
  button.hidden = !navigator.clipboard; // a page without TLS has none
  button.addEventListener("click", async () => {
    const shown = document.getElementById(button.dataset.copy).innerText;
    await navigator.clipboard.writeText(shown.replaceAll(" ", "").trim());
    button.parentElement.querySelector("[role=status]").textContent = word("copied");
  });
}

/** The region stays and its content comes: a region that comes with its content is not always read out. */
function tell(region, text, kind) {
  const told = element("p", text);
  told.className = kind;
  region?.replaceChildren(...(text ? [told] : []));
}
