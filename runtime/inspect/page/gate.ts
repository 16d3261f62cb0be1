// Who may see the page: whoever was shown its address, once, and from then on the browser that came with it (threat T39).
//
// Every page in the browser and every program of this machine can reach the port. Looked at in this order: is it spoken to
// by its own name (a name that leads here is not enough: DNS rebinding), does its own page or a person ask, and is it the
// right browser. Whoever fails is told nothing, not even what he failed. Pure but for the draws.
import type { Secret } from "../../secret.ts";
import { newPageHandle, type RandomBytes } from "../../wire/random.ts";

/** What of a request is judged; lists are as long as the header was sent often. */
export interface Knock {
  readonly method: string;
  /** As it stands in the request. */
  readonly target: string;
  readonly host: readonly string[];
  readonly origin: readonly string[];
  readonly site: readonly string[];
  readonly cookie: readonly string[];
}

/**
 * - `refused`: 403, and nothing else.
 * - `enters`: the token was right, and is spent now: the browser gets this cookie.
 * - `known`: the browser that entered.
 */
export type Judgement =
  | { readonly kind: "refused" | "known" }
  | { readonly kind: "enters"; readonly cookie: { readonly name: string; readonly value: Secret<"page_handle"> } };

export interface Gate {
  /** Lets in who brings it, once. */
  readonly token: Secret<"page_handle">;
  readonly judge: (knock: Knock) => Judgement;
}

const refused = { kind: "refused" } as const;

export function createGate(port: number, randomBytes: RandomBytes): Gate {
  const host = `127.0.0.1:${port}`;
  const token = newPageHandle(randomBytes);
  // Cookies know no ports: another page of ours must not take this one's place.
  const cookie = { name: `llxprt-inspect-${port}`, value: newPageHandle(randomBytes) };
  let isSpent = false;

  const isOurs = ({ host: hosts, origin, site, target }: Knock): boolean => {
    if (!isOnly(hosts, host) || !origin.every((one) => one === `http://${host}`) || origin.length > 1) return false;
    if (site.length === 0) return isEntrance(target) || origin.length === 1;
    return isOnly(site, "same-origin") || (isOnly(site, "none") && isEntrance(target));
  };

  const enters = (method: string, given: string): boolean => {
    if (method !== "GET" || !token.matches(given) || isSpent) return false;
    isSpent = true;
    return true;
  };

  return {
    token,
    judge: (knock) => {
      if (!isOurs(knock)) return refused;
      const [, given] = /^\/\?token=(.*)$/s.exec(knock.target) ?? [];
      if (given !== undefined) return enters(knock.method, given) ? { kind: "enters", cookie } : refused;
      const [value, ...others] = valuesOf(cookie.name, knock.cookie);
      const isKnown = value !== undefined && others.length === 0 && cookie.value.matches(value);
      return isKnown ? { kind: "known" } : refused;
    },
  };
}

/** What a person opens; everything else is asked for by the page, and a browser says so (Fetch Metadata). */
function isEntrance(target: string): boolean {
  return ["/", "/stately"].includes(target) || target.startsWith("/?");
}

function isOnly(values: readonly string[], value: string): boolean {
  return values.length === 1 && values[0] === value;
}

// RFC 6265 4.2.1
function valuesOf(name: string, headers: readonly string[]): string[] {
  return headers.flatMap((header) =>
    header.split(";").flatMap((pair) => {
      const [key = "", ...value] = pair.trim().split("=");
      return key === name ? [value.join("=")] : [];
    }),
  );
}
