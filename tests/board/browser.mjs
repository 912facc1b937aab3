// How does a test get a page? A real browser, and what it complained about.
//
// Ground rules: the flags keep the browser from talking to anybody; every page counts its console errors, its faults
// and the hosts it asked. Waits are for a text or an attribute, never for an idle network: the stream never ends.

import { chromium } from "playwright-core";

const EXECUTABLE = process.env.WATCHBELL_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const PATIENCE_MS = 20_000;

export function launch() {
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}

/** A page with a store of its own at `url`, while the test lasts; what goes wrong in it are its `complaints`. */
export async function open(t, browser, url, { width = 1440, height = 900, scale = 1, ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: scale,
    locale: "en-GB",
    colorScheme: "dark",
    ...options,
  });
  t.after(() => context.close());
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints = [];
  const host = new URL(url).host;
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(`${message.type()}: ${message.text()}`);
    }
  });
  page.on("pageerror", (fault) => complaints.push(`fault: ${fault.message}`));
  page.on("request", (request) => {
    if (new URL(request.url()).host !== host) {
      complaints.push(`another host: ${request.url()}`);
    }
  });
  page.on("response", (response) => {
    if (response.status() >= 400) {
      complaints.push(`status ${response.status()}: ${response.url()}`);
    }
  });
  await page.goto(url);
  await live(page);
  return { page, complaints };
}

/** Waits until pictures come. */
export async function live(page) {
  await page.waitForSelector('body[data-link="live"]');
  await page.waitForFunction(() => document.getElementById("picture-at").textContent !== "");
}

/** Waits until the text of an element is no longer `before`; the answer is what it is then. */
export async function changed(page, selector, before) {
  await page.waitForFunction(
    ([where, text]) => document.querySelector(where).textContent !== text,
    [selector, before],
    { timeout: PATIENCE_MS },
  );
  return page.textContent(selector);
}

/** Brings the page to a language and a theme, by its own buttons. */
export async function choose(page, { language, theme }) {
  const root = () =>
    page.evaluate(() => [
      document.documentElement.lang.slice(0, 2),
      getComputedStyle(document.body).colorScheme,
      document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
    ]);
  const [languageNow, , themeNow] = await root();
  if (languageNow !== language) {
    await page.click("#language");
  }
  if (themeNow !== theme) {
    await page.click("#theme");
  }
  const [languageThen, , themeThen] = await root();
  if (languageThen !== language || themeThen !== theme) {
    throw new Error(`wanted ${language} and ${theme}, got ${languageThen} and ${themeThen}`);
  }
  // What had begun to fade in the other theme is between the two for a moment.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)));
}
