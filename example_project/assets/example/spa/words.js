// What the page says from here: the words stand in its template `words`, in the visitor's language, by name.

const words = document.getElementById("words").content;
const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

/** The words called `name`, with `slots` in the places marked `{so}`; undefined if there are none. */
export function word(name, slots = {}) {
  const found = words.querySelector(`[data-word~=${CSS.escape(name)}]`);
  return found?.textContent.replace(/\{(\w+)\}/g, (_, slot) => slots[slot]);
}

/** What a visitor is told of a refusal. The server's own message is for developers. */
export function wordsFor({ type, retryAfter }) {
  if (type === "user_lock_limit_reached" && retryAfter) {
    return word("locked_until", { time: moment(Date.now() + retryAfter * 1000) });
  }
  return word(type) ?? word("refused");
}

/** A time as the visitor's clock shows it. */
export function moment(time) {
  return format.format(new Date(time));
}
