// Drives Chromium for the Go tests: a command a line on stdin, as JSON, and its result
// a line on stdout. Arguments: the folder with playwright-core, Chromium's path.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [folder, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${folder}/`)("playwright-core");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const tabs = [];

// note keeps what a page says on its console, and what it asks for.
function note({ page, said, requests }) {
  page.on("console", (m) => said.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => said.push(`error: ${e.stack}`));
  page.on("request", (r) => requests.push(r.url()));
}

const commands = {
  async open({ url, options }) {
    const context = await browser.newContext(options);
    const tab = { page: await context.newPage(), said: [], requests: [] };
    note(tab);
    await tab.page.goto(url);
    return tabs.push(tab) - 1;
  },
  evaluate: ({ tab, script }) => tabs[tab].page.evaluate(script),
  press: ({ tab, key }) => tabs[tab].page.keyboard.press(key),
  media: ({ tab, options }) => tabs[tab].page.emulateMedia(options),
  said: ({ tab }) => tabs[tab].said.splice(0),
  requests: ({ tab }) => tabs[tab].requests,
  tree: ({ tab }) => tabs[tab].page.locator("body").ariaSnapshot(),
  async screenshot({ tab, path, clip }) {
    await tabs[tab].page.screenshot({ path, clip, fullPage: true });
  },
  close: ({ tab }) => tabs[tab].page.context().close(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...args } = JSON.parse(line);
  const answer = {};
  try {
    answer.result = (await commands[command](args)) ?? null;
  } catch (e) {
    answer.error = String(e.stack ?? e);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
