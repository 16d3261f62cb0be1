// A request as a value: read once, with a size limit, before anybody judges it. Parameters keep their names apart from
// their values, so that what is recorded and logged can name them without ever showing one.
import type { IncomingMessage } from "node:http";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";

/** Prompts are large, tokens are not; nothing that a test sends is larger. */
const largestBody = 16 * 1024 * 1024;

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly encoding: "form" | "json" | "other" | "none";
  readonly body: string;
  /** Members of the body, whatever its encoding. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** A parameter came twice (RFC 6749 3.1 and 3.2 forbid it). */
  readonly repeated: boolean;
  /** scheme://host under which the client knows us: the vendor's own name where one is mapped to this server. */
  readonly origin: string;
}

/** Null if the body is larger than anything legitimate, or cannot be read. */
export async function readCall(
  request: IncomingMessage,
  own: string,
  vendorHosts: ReadonlySet<string>,
): Promise<Call | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) return null;
    chunks.push(chunk);
  }
  const body = decoded(Buffer.concat(chunks), request.headers["content-encoding"]);
  if (body === null) return null;
  const url = new URL(request.url ?? "/", own);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(", ") : (value ?? "");
  }
  const encoding = encodingOf(headers["content-type"] ?? "", body);
  const form = encoding === "form" ? new URLSearchParams(body) : null;
  const host = (headers["host"] ?? "").toLowerCase();
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers,
    encoding,
    body,
    fields: form === null ? jsonMembers(encoding === "json" ? body : "") : Object.fromEntries(form),
    repeated: hasTwice(url.searchParams) || (form !== null && hasTwice(form)),
    origin: vendorHosts.has(host.replace(/:\d+$/, "")) ? `https://${host}` : own,
  };
}

const decoders = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

/** One vendor's CLI compresses its prompts (RFC 9110 8.4). Null: too large, or not what it says it is. */
function decoded(body: Buffer, encoding = "identity"): string | null {
  const decode = Object.hasOwn(decoders, encoding) ? decoders[encoding as keyof typeof decoders] : null;
  try {
    return (decode?.(body, { maxOutputLength: largestBody }) ?? body).toString("utf8");
  } catch {
    return null;
  }
}

/** A member that has to be text; anything else counts as absent. */
export function text(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}

/** RFC 6750 2.1. */
export function bearer(call: Call): string {
  return /^bearer +(\S+)$/i.exec(call.headers["authorization"] ?? "")?.[1] ?? "";
}

function encodingOf(contentType: string, body: string): Call["encoding"] {
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (type === "application/x-www-form-urlencoded") return "form";
  if (type === "application/json" || type.endsWith("+json")) return "json";
  return body === "" ? "none" : "other";
}

function jsonMembers(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

const hasTwice = (parameters: URLSearchParams): boolean =>
  new Set(parameters.keys()).size !== [...parameters.keys()].length;
