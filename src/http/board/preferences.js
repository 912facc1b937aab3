// What did the viewer choose? Theme and language, and the two buttons that change them.
//
// Ground rules: both are read from the root element, where `early.js` put them, and remembered in this browser only;
// without a choice the theme follows the system's, also when that changes. A button says what pressing it does.

import { say } from "./text.js";
import { setAttribute, setText } from "./dom.js";

const root = document.documentElement;
const systemDark = window.matchMedia("(prefers-color-scheme: dark)");

export function language() {
  return root.lang.startsWith("zh") ? "zh" : "en";
}

function isDark() {
  const chosen = root.dataset.theme;
  return chosen === undefined ? systemDark.matches : chosen === "dark";
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It holds until the page is closed.
  }
}

/** Gives the buttons their work; `onChange` is called after each change. */
export function attach(onChange) {
  const languageButton = document.getElementById("language");
  const themeButton = document.getElementById("theme");
  languageButton.addEventListener("click", () => {
    const next = language() === "zh" ? "en" : "zh";
    root.lang = next === "zh" ? "zh-CN" : "en";
    remember("watchbell.language", next);
    onChange();
  });
  themeButton.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember("watchbell.theme", root.dataset.theme);
    onChange();
  });
  systemDark.addEventListener("change", onChange);
}

/** Writes on the buttons what they do now. */
export function label() {
  const own = language();
  const button = document.getElementById("language");
  setText(button, say(own, "app.language"));
  setAttribute(button, "lang", own === "zh" ? "en" : "zh-CN");
  const theme = document.getElementById("theme");
  const to = isDark() ? "app.to_light" : "app.to_dark";
  setText(theme, say(own, to));
  setAttribute(theme, "aria-label", say(own, `${to}_help`));
}
