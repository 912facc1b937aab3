// Does the board work in a real browser? Against the server named by WATCHBELL_BOARD_URL, or a mock when there is none.
//
// Ground rules: what holds of any running server comes first and looks only at what every picture has; what needs a
// server that behaves badly runs against the mock. Pictures of the page go to WATCHBELL_SHOTS, after waiting
// WATCHBELL_SHOTS_WAIT_SECONDS (60) for a crisis of the highest level, if one comes.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { changed, choose, launch, live, open } from "./browser.mjs";
import { startMock } from "./mock.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** A mock in the middle of its gravest hour, with a past. */
async function graveMock(t, options = {}) {
  const mock = await startMock({ phase: "advanced", speed: 1, ...options });
  t?.after(() => mock.close());
  for (let step = 0; step < 30; step += 1) {
    mock.world.step(20_000 / mock.world.speed);
  }
  return mock;
}

/** What axe-core finds, one line each. */
async function faultsOf(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`));
}

describe("any server", () => {
  let url = process.env.WATCHBELL_BOARD_URL;
  let mock = null;
  before(async () => {
    if (!url) {
      mock = await graveMock(null);
      url = mock.url;
    }
  });
  after(() => mock?.close());

  test("pictures arrive by themselves", async (t) => {
    const { page, complaints } = await open(t, browser, url);
    const first = await page.textContent("#picture-at");
    const second = await changed(page, "#picture-at", first);
    await changed(page, "#picture-at", second);
    assert.notEqual(await page.textContent("#level-word"), "");
    assert.deepEqual(complaints, []);
  });

  test("an objective stands with its share, its interval and its number of cases", async (t) => {
    const mock = await graveMock(t);
    const { page } = await open(t, browser, mock.url);
    const line = page.locator("#objectives li");
    await line.first().waitFor();
    const text = await line.first().innerText();
    for (const part of ["Missed", "80 % of calls answered", "71.3%", "of 300", "65.9% to 76.2%", "at least 80%", "Missed since"]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.equal(await line.first().getAttribute("data-standing"), "missed");
  });

  test("a case is explained with a bar for each clock, by keyboard and to a screen reader", async (t) => {
    const mock = await graveMock(t);
    const { page, complaints } = await open(t, browser, mock.url);
    const name = page.locator("#due button.subject").first();
    const subject = await name.innerText();
    await name.focus();
    await page.keyboard.press("Enter");
    const bar = page.locator("#case .clock-bar").first();
    await bar.waitFor();
    assert.equal(await page.textContent("#case-heading"), subject);
    assert.ok((await bar.locator(".stretch").count()) >= 6);
    assert.match(await bar.getAttribute("aria-label"), /running .* paused .*/);
    assert.deepEqual(await faultsOf(page), []);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.getElementById("case").open);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.subject), subject, "the focus is back");
    // Whoever has ended meanwhile is said to be gone, in the server's words.
    mock.world.explain = () => ({ status: 404, body: { detail: "none of the cases", detail_zh: "没有" } });
    await name.click();
    await page.waitForFunction(() => document.getElementById("case-note").textContent === "none of the cases");
    await page.click("#case-close");
    assert.deepEqual(complaints.filter((text) => !text.includes("404")), []);
  });

  test("the language follows the browser, can be switched, and is remembered", async (t) => {
    const { page, complaints } = await open(t, browser, url);
    assert.equal(await page.getAttribute("html", "lang"), "en");
    assert.equal(await page.textContent("#due-heading"), "Open promises");
    await page.click("#language");
    assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
    assert.equal(await page.textContent("#due-heading"), "进行中的承诺");
    await page.reload();
    await live(page);
    assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
    assert.equal(await page.textContent("#due-heading"), "进行中的承诺");
    assert.deepEqual(complaints, []);
    const chinese = await open(t, browser, url, { locale: "zh-CN" });
    assert.equal(await chinese.page.textContent("#language"), "English");
  });

  test("the theme follows the system, can be switched, and is remembered", async (t) => {
    const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const { page, complaints } = await open(t, browser, url, { colorScheme: "dark" });
    const dark = await ground(page);
    await page.emulateMedia({ colorScheme: "light" });
    const light = await ground(page);
    assert.notEqual(dark, light);
    await page.click("#theme");
    assert.equal(await ground(page), dark);
    await page.reload();
    await live(page);
    assert.equal(await ground(page), dark, "what was chosen wins over the system");
    assert.deepEqual(complaints, []);
  });

  test("the keyboard reaches the controls", async (t) => {
    const { page } = await open(t, browser, url);
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "skip");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "language");
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, "none", "the focus is seen");
    await page.keyboard.press("Enter");
    assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "theme");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    assert.equal(await focused(), "board", "the skip link leads to the board");
  });

  test("axe-core finds nothing", async (t) => {
    for (const [width, height] of [
      [1440, 900],
      [360, 780],
      [1920, 1080],
    ]) {
      const { page, complaints } = await open(t, browser, url, { width, height });
      for (const language of ["en", "zh"]) {
        for (const theme of ["dark", "light"]) {
          await choose(page, { language, theme });
          assert.deepEqual(await faultsOf(page), [], `${width} px, ${language}, ${theme}`);
        }
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.ok(!wide, `nothing sticks out at ${width} px`);
      if (width === 1920) {
        const fits = await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight);
        assert.ok(fits, "on a wall everything is on one screen");
      }
      assert.deepEqual(complaints, []);
    }
  });

  test("screenshots", { skip: process.env.WATCHBELL_SHOTS ? false : "WATCHBELL_SHOTS is not set" }, async (t) => {
    const folder = process.env.WATCHBELL_SHOTS;
    const waitMs = Number(process.env.WATCHBELL_SHOTS_WAIT_SECONDS ?? 60) * 1_000;
    await mkdir(folder, { recursive: true });
    const desk = await open(t, browser, url);
    const phone = await open(t, browser, url, { width: 360, height: 780, scale: 2 });
    await desk.page.waitForSelector('body[data-level="advanced"]', { timeout: waitMs }).catch(() => {
      // None came: then the board is shown as it is.
    });
    for (const [{ page }, name, choice] of [
      [desk, "board-en", { language: "en", theme: "dark" }],
      [desk, "board-zh", { language: "zh", theme: "light" }],
      [phone, "board-phone-zh", { language: "zh", theme: "dark" }],
    ]) {
      await choose(page, choice);
      await page.evaluate(() => document.activeElement.blur());
      await page.mouse.move(0, 0);
      await page.screenshot({ path: join(folder, `${name}.png`) });
    }
  });
});

describe("a server that behaves badly", () => {
  test("a lost connection is said plainly, stops the countdowns, and comes back", async (t) => {
    const mock = await graveMock(t);
    const { page } = await open(t, browser, mock.url);
    mock.refuse = true;
    mock.drop();
    await page.waitForSelector("#stale:not([hidden])");
    assert.equal(await page.textContent("#link-text"), "Connection lost");
    assert.equal(await page.textContent("#announcer"), "The connection is lost.");
    await page.waitForFunction(() => /What you see is \d+ s old/.test(document.getElementById("stale").textContent));
    await page.waitForFunction(() => /[6-9] s old/.test(document.getElementById("stale").textContent));
    const time = await page.textContent("#engine-time");
    await page.waitForFunction(() => /(9|1\d) s old/.test(document.getElementById("stale").textContent));
    assert.equal(await page.textContent("#engine-time"), time, "the clock stands still");
    mock.refuse = false;
    await live(page);
    await page.waitForSelector("#stale", { state: "hidden" });
    assert.equal(await page.textContent("#announcer"), "The connection is back.");
  });

  test("a server that falls silent is told from one that is gone", async (t) => {
    const mock = await graveMock(t);
    const { page } = await open(t, browser, mock.url);
    mock.mute = true;
    await page.waitForSelector('body[data-link="silent"]');
    assert.match(await page.textContent("#stale"), /^Connected, but the server has sent nothing new/);
    mock.mute = false;
    await live(page);
  });

  test("a change of level is announced and stands in the title", async (t) => {
    const mock = await graveMock(t, { everyMs: 200 });
    const { page, complaints } = await open(t, browser, mock.url);
    assert.equal(await page.title(), "Advanced crisis · Watchbell");
    mock.change = (picture) => ({ ...picture, aggregate: { ...picture.aggregate, crises: [], signals: [] } });
    await page.waitForSelector('body[data-level="none"]');
    assert.equal(await page.title(), "Watchbell");
    assert.match(await page.textContent("#announcer"), /^Crisis level: No crisis\./);
    assert.deepEqual(complaints, []);
  });

  test("every level can be read in both themes", async (t) => {
    for (const phase of ["calm", "primary", "intermediate", "after"]) {
      const mock = await graveMock(t, { phase });
      const { page, complaints } = await open(t, browser, mock.url);
      for (const theme of ["dark", "light"]) {
        await choose(page, { language: "en", theme });
        assert.deepEqual(await faultsOf(page), [], `${phase}, ${theme}`);
      }
      assert.deepEqual(complaints, []);
    }
  });

  test("what is missing, unknown, long or hostile harms nothing", async (t) => {
    const hostile = `<img src=x onerror="document.title='owned'">${"long-".repeat(60)}`;
    const odd = (crisis) => ({
      ...crisis,
      level: "cosmic",
      series: { product: hostile },
      factors: null,
      response: [{ zh: hostile }],
      steps: [{ at: "never", level: "cosmic", reason: { moon: null } }],
    });
    const changes = [
      (picture) => ({ ...picture, aggregate: null, state: "blind" }),
      (picture) => ({ at: picture.at }),
      (picture) => ({
        ...picture,
        due: [],
        changes: [],
        commitments: [],
        logs: [],
        aggregate: {
          ...picture.aggregate,
          clock: null,
          crises: [],
          series: [],
          satisfaction: [],
          signals: [],
          sources_missing: [0, 1],
        },
      }),
      (picture) => ({
        ...picture,
        state: "dreaming",
        speed: null,
        aggregate: {
          ...picture.aggregate,
          crises: picture.aggregate.crises.map(odd),
          objectives: [{ name: hostile, standing: "omen" }, { name: "bare", n: 0, share_interval: null }],
        },
      }),
      (picture) => ({
        ...picture,
        due: picture.due.map((due) => ({ ...due, subject: hostile, commitment: hostile })),
        changes: picture.changes.map((change) => ({ ...change, subject: hostile, kind: "omen", action: hostile })),
      }),
      (picture) => ({
        ...picture,
        due: picture.due.map((due) => ({ ...due, due: "never" })),
        logs: picture.logs.map((log) => ({ ...log, clock: null, clock_lag_seconds: null, rejected: null })),
      }),
    ];
    const mock = await graveMock(t, { everyMs: 200 });
    for (const width of [1440, 360]) {
      const { page, complaints } = await open(t, browser, mock.url, { width });
      for (const change of changes) {
        mock.change = change;
        await page.waitForTimeout(700);
        assert.deepEqual(complaints, [], change.toString());
        assert.equal(await page.locator("img").count(), 0);
        assert.ok(
          await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
          `${width} px: ${change}`,
        );
        assert.deepEqual(await faultsOf(page), [], change.toString());
      }
      mock.change = (picture) => picture;
    }
  });

  test("no seconds tick when many pass in one", async (t) => {
    const mock = await graveMock(t, { speed: 1_000 });
    const { page } = await open(t, browser, mock.url);
    assert.match(await page.textContent("#engine-time"), /^\d\d:\d\d$/);
    assert.match(await page.textContent("#speed"), /1,000/);
    const lefts = await page.locator("#due .left").allTextContents();
    assert.ok(lefts.length > 0 && lefts.every((left) => !/\d s\b/.test(left)), lefts.join("; "));
  });

  test("a page that runs for long does not grow", async (t) => {
    const mock = await startMock({ speed: 600, phaseSeconds: 2, everyMs: 25 });
    t.after(() => mock.close());
    const { page, complaints } = await open(t, browser, mock.url);
    const nodes = () => page.evaluate(() => document.getElementsByTagName("*").length);
    const day = async () => {
      let most = 0;
      for (let look = 0; look < 40; look += 1) {
        await page.waitForTimeout(100);
        most = Math.max(most, await nodes());
      }
      return most;
    };
    const first = await day();
    const later = await day();
    assert.ok(later < first * 1.5 + 200 && later < 4_000, `${first} nodes, then ${later}`);
    assert.deepEqual(complaints, []);
  });
});
