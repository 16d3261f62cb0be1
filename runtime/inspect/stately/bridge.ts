// The page between this machine and the hosted inspector: a frame with the hosted page, and a script that hands over what the
// feed says.
//
// It talks to one window of one origin, by name, and only after that has asked; whatever else is posted to it is nothing to it.
// Nothing goes the other way: the script sends no request but for its news, and there is no route that would take one.
import { createHash } from "node:crypto";
import { isConfidential, parsedAddress } from "../../wire/endpoint.ts";
import type { Speech } from "../page/audience.ts";
import type { File, Files } from "../page/files.ts";
import type { JournalRecord } from "../record.ts";
import type { GrantsOf } from "./actors.ts";
import { createFeed } from "./feed.ts";

/** Where the package's own pages find the inspector (0.7.2: `createBrowserInspector`, `getBridgeHTML`). */
const hostedPage = "https://stately.ai/inspect";

/** A page that is opened is told of so many of the journal's last records, and of all that follow. */
export const mostTold = 500;

/**
 * The page and its script. No other page of ours may have anything from outside, and this one the frame's origin.
 * @param hosted for tests: an address on loopback in the place of the hosted page
 * @throws TypeError for an address that is neither https nor loopback
 */
export function bridgeFiles(hosted: string = hostedPage): Files {
  const url = parsedAddress(hosted);
  if (url === null || !isConfidential(url)) throw new TypeError("the hosted page is reached by https, or on loopback");
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "connect-src 'self'",
    `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
    `frame-src ${url.origin}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return new Map<string, File>([
    ["/stately", { type: "text/html; charset=utf-8", bytes: Buffer.from(page(url)), policy }],
    ["/stately.js", { type: "text/javascript; charset=utf-8", bytes: Buffer.from(script) }],
  ]);
}

/** What is new as events `stately`, one for each message of the feed. */
export function createSpeech(grantsOf: GrantsOf): Speech {
  const feed = createFeed(grantsOf);
  return ({ records }) =>
    records
      .flatMap((record) => feed(JSON.parse(record) as JournalRecord))
      .map((message) => `event: stately\ndata: ${message}\n\n`)
      .join("");
}

const style =
  "html,body{height:100%;margin:0}body{display:flex;flex-direction:column;font:14px system-ui,sans-serif}" +
  "p{margin:0;padding:6px 12px;border-bottom:1px solid #8886}span{padding-left:12px}iframe{flex:1;border:0}";

// With an origin of its own (`allow-same-origin`), which is not this page's, the frame can be told from any other window.
const page = ({ href, host }: URL): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>llxprt-auth: Stately inspector</title>
<style>${style}</style>
</head>
<body>
<p><a href="/" target="_blank">The page of this machine</a> <span role="status">Waiting for ${host}: nothing has been sent to it.</span></p>
<template><iframe src="${href}" title="Stately inspector" sandbox="allow-scripts allow-same-origin" referrerpolicy="no-referrer" allow=""></iframe></template>
<script src="/stately.js"></script>
</body>
</html>
`;

const script = `"use strict";
const line = document.querySelector("[role=status]");
const frame = document.importNode(document.querySelector("template").content, true).firstChild;
const { host, origin } = new URL(frame.src);
let news = null;
let count = 0;
const say = (words) => (line.textContent = words + " Sent to " + host + ": " + count + " messages.");

addEventListener("message", (event) => {
  if (event.origin !== origin || event.source !== frame.contentWindow) return;
  if (event.data?.type !== "@statelyai.connected") return;
  // It asks again when it was loaded again: then it knows nothing.
  news?.close();
  count = 0;
  say("Connected.");
  news = new EventSource("/stately/news");
  news.addEventListener("stately", ({ data }) => {
    frame.contentWindow.postMessage(JSON.parse(data), origin);
    count += 1;
    say("Connected.");
  });
  // To go on by itself would tell it everything twice.
  news.addEventListener("error", () => {
    news.close();
    say("The command has ended, or does not answer.");
  });
});

// Not before somebody listens: it asks once.
document.body.append(frame);
`;
