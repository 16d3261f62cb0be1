// A browser command for the tests: opens the address in headless Chromium, approves as a person would, and leaves a record
// of what the last page looked like. Arguments: folder for the record, address.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [folder = ".", address = ""] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
try {
  const page = await browser.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => complaints.push(message.text()));
  await page.goto(address);
  await page.screenshot({ path: join(folder, "consent.png") });
  await page.getByRole("button", { name: "Approve" }).click();
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: join(folder, "result.png") });
  const result = {
    address: page.url(),
    text: await page.innerText("body"),
    title: await page.title(),
    requests,
    complaints,
  };
  const path = join(folder, "result.json");
  writeFileSync(`${path}.new`, JSON.stringify(result));
  renameSync(`${path}.new`, path);
} finally {
  await browser.close();
}
