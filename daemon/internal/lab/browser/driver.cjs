// Drives one browser for package browser. Standard input has one request a
// line, {"id", "do", "page", …}; standard output one answer a line, {"id",
// "value"} or {"id", "error"}. It ends, and its browser with it, when standard
// input does.
"use strict";

const fs = require("fs");
const readline = require("readline");
const puppeteer = require("puppeteer-core");

const axeSource = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const limit = 15000; // milliseconds, for whatever is waited for
const beat = 50; // milliseconds between two looks

let browser;
let firefox = false;
let noScript = false;
const pages = new Map(); // number to { page, requests, complaints, context }

// Firefox keeps its answers about style and script in preferences.
function firefoxPreferences(o) {
  return {
    "javascript.enabled": !o.noScript,
    "layout.css.prefers-color-scheme.content-override": o.dark ? 0 : 1,
    "datareporting.policy.dataSubmissionEnabled": false,
    "app.update.enabled": false,
    "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false,
  };
}

// What Chromium would ask the world for by itself is switched off.
const chromiumArguments = [
  "--no-sandbox", // it runs as root, in the lab's namespace
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

async function start(o) {
  firefox = o.browser === "firefox";
  noScript = o.noScript;
  browser = await puppeteer.launch({
    browser: firefox ? "firefox" : "chrome",
    executablePath: o.executable,
    userDataDir: o.profile,
    headless: true,
    args: firefox ? [] : chromiumArguments,
    extraPrefsFirefox: firefox ? firefoxPreferences(o) : undefined,
    defaultViewport: { width: o.width, height: o.height },
  });
  return browser.version();
}

// typeOf is what a request is for; Firefox tells only of documents.
function typeOf(request) {
  if (firefox) return request.isNavigationRequest() ? "document" : "";
  return request.resourceType();
}

async function open(o) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const it = { page, context, requests: [], complaints: [] };
  page.setDefaultTimeout(limit);
  page.on("request", (r) => it.requests.push({ url: r.url(), method: r.method(), type: typeOf(r) }));
  page.on("console", (m) => ["error", "warn", "warning"].includes(m.type()) && it.complaints.push(m.text()));
  page.on("pageerror", (e) => it.complaints.push(String(e)));
  page.on("dialog", (d) => d.accept());
  await page.setViewport({ width: o.width, height: o.height });
  if (!firefox && o.noScript) await page.setJavaScriptEnabled(false);
  if (!firefox) await scheme(it, { dark: o.dark });
  pages.set(o.page, it);
}

function scheme(it, o) {
  if (firefox) throw new Error("Firefox takes its colour scheme at the start");
  return it.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: o.dark ? "dark" : "light" }]);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// until looks until something is there, from outside the page: a page without
// script has no timers.
async function until(what, look) {
  const end = Date.now() + limit;
  for (;;) {
    let found;
    try {
      found = await look();
    } catch (e) {
      if (!/context|navigat|detached|destroyed|no such frame/i.test(String(e))) throw e; // the page changes
    }
    if (found) return found;
    if (Date.now() > end) throw new Error("waited in vain for " + what);
    await sleep(beat);
  }
}

const element = (it, o) => until(o.selector, () => it.page.$(o.selector));

async function fill(it, o) {
  const e = await element(it, o);
  await e.focus();
  await e.evaluate((x) => { x.value = ""; });
  await e.type(o.text);
}

async function upload(it, o) {
  const e = await element(it, o);
  await e.uploadFile(...o.files);
}

async function wait(it, o) {
  if (o.selector) {
    await until(o.selector, () => it.page.$(o.selector));
  }
  if (o.text) {
    await until(JSON.stringify(o.text), () =>
      it.page.evaluate((t) => document.body !== null && document.body.innerText.includes(t), o.text));
  }
}

// click clicks as the mouse does. To see where an element is, puppeteer needs
// the page's observers, which Firefox has switched off with script.
function click(e) {
  return firefox && noScript ? e.evaluate((x) => x.click()) : e.click();
}

// leading does what leads to another page and waits until it is there.
async function leading(it, o) {
  const e = await element(it, o);
  const [response] = await Promise.all([it.page.waitForNavigation({ waitUntil: "load" }), click(e)]);
  return visited(it, response);
}

async function go(it, o) {
  return visited(it, await it.page.goto(o.url, { waitUntil: "load" }));
}

function visited(it, response) {
  return { url: it.page.url(), status: response ? response.status() : 0, headers: response ? response.headers() : {} };
}

// timing is what the browser measured itself (Navigation and Resource Timing).
function timing(it) {
  return it.page.evaluate(() => {
    const [n] = performance.getEntriesByType("navigation");
    const parts = performance.getEntriesByType("resource");
    return {
      ms: n.loadEventEnd || n.duration,
      firstByteMs: n.responseStart,
      bytes: parts.reduce((sum, r) => sum + r.transferSize, n.transferSize),
      requests: parts.length + 1,
    };
  });
}

async function axe(it, o) {
  await it.page.evaluate(axeSource);
  return it.page.evaluate(async (tags) => {
    const found = await window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
    return {
      passes: found.passes.length,
      violations: found.violations.map((v) => ({
        id: v.id, impact: v.impact || "", help: v.help,
        nodes: v.nodes.map((n) => ({ target: n.target.join(" "), html: n.html, summary: n.failureSummary || "" })),
      })),
    };
  }, o.tags);
}

function focused(it) {
  return it.page.evaluate(() => {
    const e = document.activeElement;
    if (!e || e === document.body) return { tag: "", id: "", name: "", text: "", outlined: false };
    const style = getComputedStyle(e);
    return {
      tag: e.tagName.toLowerCase(), id: e.id, name: e.getAttribute("name") || "",
      text: (e.innerText || e.value || e.getAttribute("aria-label") || "").trim(),
      outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none",
    };
  });
}

function taken(it, list) {
  const all = it[list];
  it[list] = [];
  return all;
}

async function close(it, o) {
  pages.delete(o.page);
  await it.context.close();
}

const deeds = {
  goto: go,
  reload: async (it) => visited(it, await it.page.reload({ waitUntil: "load" })),
  click: async (it, o) => click(await element(it, o)),
  follow: leading,
  fill,
  select: async (it, o) => (await element(it, o)).select(...o.values),
  upload,
  wait,
  text: async (it, o) => (await element(it, o)).evaluate((e) => e.innerText),
  attribute: async (it, o) => (await element(it, o)).evaluate((e, name) => e.getAttribute(name), o.name),
  value: async (it, o) => (await element(it, o)).evaluate((e) => (e.type === "checkbox" ? String(e.checked) : e.value)),
  count: async (it, o) => (await it.page.$$(o.selector)).length,
  visible: async (it, o) => {
    const e = await it.page.$(o.selector);
    return e !== null && e.isVisible();
  },
  evaluate: (it, o) => it.page.evaluate(o.script),
  title: (it) => it.page.title(),
  url: (it) => it.page.url(),
  html: (it) => it.page.content(),
  screenshot: async (it, o) => {
    await it.page.screenshot({ path: o.file, fullPage: o.full });
  },
  axe,
  requests: (it) => taken(it, "requests"),
  complaints: (it) => taken(it, "complaints"),
  timing,
  cookies: async (it) => (await it.page.cookies()).map((c) => ({
    name: c.name, value: c.value, domain: c.domain, path: c.path,
    secure: c.secure, httpOnly: c.httpOnly, sameSite: c.sameSite || "", expires: c.expires,
  })),
  setCookie: (it, o) => it.page.setCookie(o.cookie),
  viewport: (it, o) => it.page.setViewport({ width: o.width, height: o.height }),
  scheme,
  press: (it, o) => it.page.keyboard.press(o.key),
  focused,
  close,
};

async function obey(o) {
  if (o.do === "start") return start(o);
  if (o.do === "open") return open(o);
  const it = pages.get(o.page);
  if (!it) throw new Error("there is no page " + o.page);
  if (!deeds[o.do]) throw new Error("nothing is called " + o.do);
  return deeds[o.do](it, o);
}

async function answer(line) {
  const o = JSON.parse(line);
  try {
    const value = await obey(o);
    return { id: o.id, value: value === undefined ? null : value };
  } catch (e) {
    return { id: o.id, error: String(e && e.message || e) };
  }
}

async function main() {
  const lines = readline.createInterface({ input: process.stdin });
  for await (const line of lines) {
    process.stdout.write(JSON.stringify(await answer(line)) + "\n");
  }
  if (browser) await browser.close();
}

main().then(() => process.exit(0), (e) => {
  process.stderr.write(String(e && e.stack || e) + "\n");
  process.exit(1);
});
