// What makes one vendor different from the next, as far as a server shows it. Addresses, clients, scopes and encodings come
// from the Provider data; here is only what a client never needs to be told, such as how a vendor words a refusal.
import type { ProviderName } from "../index.ts";
import type { Provider } from "../provider.ts";
import type { Call } from "./call.ts";
import type { Endpoint } from "./faults.ts";
import type { Ticket } from "./grants.ts";
import type { Person } from "./people.ts";
import type { Words } from "./refusals.ts";
import type { Reply } from "./reply.ts";
import type { Family } from "./tokens.ts";
import type { World } from "./world.ts";

/** Who reads a refusal, and so which shape it takes. */
type Surface = "page" | "token" | "api" | "key";

export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string | RegExp;
  /** Which knob faults it; a token endpoint serves several. */
  readonly endpoint: Endpoint | ((call: Call) => Endpoint);
  readonly surface: Surface;
  /** Two vendors may share a path: whether this call is ours. */
  readonly when?: (call: Call, world: World) => boolean;
  readonly run: (call: Call, world: World) => Reply;
}

/** One successful token request, before it is worded. */
export interface Issued {
  readonly family: Family;
  readonly person: Person;
  readonly access: string;
  /** Null: none in this reply. */
  readonly refresh: string | null;
  readonly expiresInS: number;
  /** Of the authorization request that this answers; null: of none, or it had none. */
  readonly nonce: string | null;
  readonly call: Call;
}

export interface Dialect {
  readonly name: ProviderName;
  readonly provider: Provider;
  /** Lifetime of an access token when nobody sets one. */
  readonly accessLifetimeS: number;
  /** Encodings that the token endpoint takes. */
  readonly encodings: { readonly code: readonly Call["encoding"][]; readonly refresh: readonly Call["encoding"][] };
  /** PKCE is asked for (RFC 7636 4.4.1); otherwise it is checked when used. */
  readonly wantsChallenge: boolean;
  /** A spent refresh token ends the login it belonged to (RFC 9700 4.14.2). */
  readonly reuseEndsLogin: boolean;
  /** Registered clients, each with its secret; null: public, and `any`: a secret that only the vendor knows. */
  readonly clients: (world: World) => ReadonlyMap<string, string | { readonly any: true } | null>;
  /** Judges a redirect URI that parsed as http or https. */
  readonly redirect: (uri: URL, world: World) => "fine" | "wrong-redirect-uri" | "unregistered-port";
  /** Checks of the authorization request that only this vendor makes. */
  readonly judge?: (query: URLSearchParams, world: World) => void;
  /** Checks of every token request that only this vendor makes, before all others. */
  readonly judgeToken?: (call: Call, world: World) => void;
  /** Whether this grant comes with a refresh token. */
  readonly refreshable: (ticket: Ticket, person: Person, world: World) => boolean;
  readonly mint: {
    readonly code: (world: World) => string;
    readonly access: (world: World, family: Family, person: Person, expiresInS: number) => string;
    readonly refresh: (world: World) => string;
  };
  readonly reply: (issued: Issued, world: World) => object;
  /** A refusal in this vendor's shape; pages are the server's. */
  readonly says: (words: Words, surface: Surface) => Reply;
}
