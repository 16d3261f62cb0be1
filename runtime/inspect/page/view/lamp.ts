// One picture in the page, and what is lit in it. The picture is one of the program's own, parsed as what it is and never
// put together from text; its ids become data, because the same states may stand in two pictures of one page.
import type { Lit } from "./lit.ts";

export interface Lamp {
  readonly svg: SVGSVGElement;
  readonly width: number;
  readonly height: number;
  /** @param isFresh the arrow was taken just now */
  readonly light: (lit: Lit, isFresh: boolean) => void;
  /** What is to be kept in sight: the innermost state that is lit. */
  readonly spot: () => Element | null;
}

const classes = ["active", "held", "left", "last", "fresh"] as const;

/** @returns null when the text is no picture */
export function lampOf(text: string): Lamp | null {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (parsed.localName !== "svg") return null;
  const svg = document.importNode(parsed, true) as unknown as SVGSVGElement;
  const parts = new Map<string, Element>();
  for (const part of svg.querySelectorAll("[id]")) {
    parts.set(part.id, part);
    part.setAttribute("data-part", part.id);
    part.removeAttribute("id");
    if (part.classList.contains("arrow")) makeTouchable(part);
  }
  svg.setAttribute("aria-hidden", "true");
  const [, , width = 1, height = 1] = (svg.getAttribute("viewBox") ?? "").split(" ").map(Number);
  let spot: Element | null = null;
  return {
    svg,
    width,
    height,
    light: (lit, isFresh) => {
      const wanted = partsLit(lit, isFresh);
      for (const [id, part] of parts)
        for (const name of classes) part.classList.toggle(name, wanted.get(id)?.has(name) === true);
      const inner = lit.active.at(-1) ?? lit.left.at(-1);
      spot = inner === undefined ? null : (parts.get(`n:${inner}`) ?? null);
      raise(lit.taken.flatMap((ends) => parts.get(`e:${ends}`) ?? []));
      if (spot?.classList.contains("compound") === false) raise([spot]);
    },
    spot: () => spot,
  };
}

function partsLit({ active, held, left, taken }: Lit, isFresh: boolean): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  const add = (id: string, name: string): void => {
    wanted.set(id, (wanted.get(id) ?? new Set()).add(name));
  };
  for (const path of active) add(`n:${path}`, "active");
  for (const path of held) add(`n:${path}`, "held");
  for (const path of left) add(`n:${path}`, "left");
  for (const ends of taken) {
    add(`e:${ends}`, "last");
    if (isFresh) add(`e:${ends}`, "fresh");
  }
  return wanted;
}

/** What is drawn last is on top. */
function raise(drawn: readonly Element[]): void {
  for (const part of drawn) part.parentNode?.append(part);
}

/** A line is thin: a wide one that is not seen lies over it for the pointer. */
function makeTouchable(arrow: Element): void {
  const line = arrow.querySelector("path");
  if (line === null) return;
  const wide = line.cloneNode() as Element;
  wide.setAttribute("class", "reach");
  arrow.append(wide);
}
