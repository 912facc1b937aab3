// In which theme and language is the page shown? Decided before anything is painted, so that nothing flashes.
//
// Ground rules: what a person chose here before wins, then what the system and the browser prefer. A classic script,
// because modules run after the first paint. A store that is forbidden is a choice that was never made.

(() => {
  "use strict";
  const stored = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const root = document.documentElement;
  const theme = stored("watchbell.theme");
  if (theme === "dark" || theme === "light") {
    root.dataset.theme = theme;
  }
  const language = stored("watchbell.language") ?? navigator.language ?? "en";
  root.lang = language.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
})();
