// Which tool's file a file is: by where it lies, by what it says of itself, and last by its shape.
import type { ImportSource } from "../../providers/fields/import-source.ts";
import type { Provider } from "../../providers/provider.ts";
import { type Looked, lookInto, placesOf, type Surroundings } from "./places.ts";

/** A file, and the kind of file that it turned out to be; null: none that is known, and then `looked` says why. */
export interface Kind {
  readonly source: ImportSource | null;
  readonly looked: Looked;
}

/** What a file is to this provider; null: nothing. */
export function kindOf(around: Surroundings, provider: Provider, file: string): Kind | null {
  const here = provider.imports.filter((source) => placesOf(around, source).includes(file));
  const marked = provider.imports.filter(({ mark }) => mark !== undefined);
  const kinds = [...new Set([...here, ...marked, ...provider.imports])].map((source) => ({
    source,
    looked: lookInto(provider, source, file),
  }));
  const found =
    kinds.find(({ looked }) => looked.kind === "login") ?? kinds.find(({ looked }) => looked.kind === "key");
  if (found !== undefined) return found;
  // At its own place it is that tool's file, whatever is the matter with it.
  const own = kinds.find(({ source }) => here.includes(source));
  if (own !== undefined) return own;
  const [first] = kinds;
  return first !== undefined && first.looked.kind !== "nothing" ? { source: null, looked: first.looked } : null;
}

/** Providers for which this file is the place, or a marked file, of one of their tools, or at least has their shape. */
export function ownersOf(around: Surroundings, providers: readonly Provider[], file: string): readonly Provider[] {
  const isOf = (isMeant: (source: ImportSource) => boolean) => (provider: Provider) =>
    provider.imports.some((source) => isMeant(source) && hasLogin(lookInto(provider, source, file)));
  const surely = providers.filter(
    isOf((source) => source.mark !== undefined || placesOf(around, source).includes(file)),
  );
  return surely.length > 0 ? surely : providers.filter(isOf(() => true));
}

function hasLogin({ kind }: Looked): boolean {
  return kind === "login" || kind === "key";
}
