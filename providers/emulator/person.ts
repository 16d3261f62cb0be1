// A scripted person with a browser: opens the page, reads the form that is there, presses a button, follows where it leads.
// It works over HTTP only, on what the pages say, so that it notices when a page could not be used. It never leaves this
// computer: an address of the vendor's is opened at the emulator instead.

export interface Outcome {
  /** Where the page sent the browser; null if it did not. */
  readonly redirected: string | null;
  /** Of the last page; 0 when nobody listened at the address of the redirect. */
  readonly status: number;
  readonly body: string;
  /** The code that a paste page showed. */
  readonly shown: string | null;
}

export interface Visit {
  readonly decision: "approve" | "deny";
  /** E-mail address of the account to choose; the first one if absent. */
  readonly account?: string | undefined;
}

/** Opens an authorization URL or a device page and answers it. */
export async function visit(emulator: string, url: string, { decision, account }: Visit): Promise<Outcome> {
  const first = await open(emulator, url);
  if (first.status !== 200) return { redirected: null, ...first, shown: null };
  const fields = readForm(first.body);
  fields.set("decision", decision);
  if (account !== undefined) fields.set("account", account);
  const answered = await fetch(local(emulator, url), {
    method: "POST",
    body: fields,
    redirect: "manual",
    headers: { accept: "text/html", "user-agent": browser },
  });
  const location = answered.headers.get("location");
  if (location === null) {
    return { redirected: null, status: answered.status, body: await answered.text(), shown: null };
  }
  await answered.body?.cancel();
  const redirected = new URL(location, url).href;
  const last = await open(emulator, redirected).catch(nobodyThere);
  const shown = /id="code"[^>]*>([^<]*)</.exec(last.body)?.[1];
  return { redirected, ...last, shown: shown === undefined ? null : unescape(shown) };
}

/** A browser shows a page of its own then. */
function nobodyThere(error: unknown): { status: number; body: string } {
  const cause = error instanceof TypeError ? error.cause : null;
  const refused = cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
  if (!refused) throw error;
  return { status: 0, body: "" };
}

const browser = "Mozilla/5.0 (X11; Linux x86_64) scripted-person";

async function open(emulator: string, url: string): Promise<{ status: number; body: string }> {
  let at = url;
  for (let hops = 0; hops < 5; hops += 1) {
    const reply = await fetch(local(emulator, at), {
      redirect: "manual",
      headers: { accept: "text/html", "user-agent": browser },
    });
    const location = reply.headers.get("location");
    if (location === null) return { status: reply.status, body: await reply.text() };
    await reply.body?.cancel();
    at = new URL(location, at).href;
    // A client may send the browser on to its own site; that is not ours to open.
    if (!isLoopback(new URL(at).hostname)) return { status: reply.status, body: "" };
  }
  throw new Error("The page redirects in circles.");
}

function local(emulator: string, url: string): string {
  const { hostname, pathname, search } = new URL(url);
  return isLoopback(hostname) ? url : emulator + pathname + search;
}

const isLoopback = (host: string): boolean => ["localhost", "127.0.0.1", "[::1]"].includes(host);

/** What a browser would submit before any button is pressed: hidden fields and chosen radios. */
function readForm(page: string): URLSearchParams {
  if (!/<form\b[^>]*method="post"/.test(page)) throw new Error("The page has no form to submit.");
  const fields = new URLSearchParams();
  for (const [tag] of page.matchAll(/<input\b[^>]*>/g)) {
    const name = attribute(tag, "name");
    if (name === null || (tag.includes('type="radio"') && !tag.includes(" checked"))) continue;
    fields.append(name, attribute(tag, "value") ?? "");
  }
  return fields;
}

function attribute(tag: string, name: string): string | null {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? null : unescape(value);
}

const unescape = (text: string): string =>
  text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
