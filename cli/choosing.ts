// One choice out of several, whose words follow what they tell of while somebody looks.
//
// The library draws, and draws again when the terminal has another size: then it writes the lines that are different, and
// nothing when none is. A look at the facts is told to it as such a change. Nothing but words may change meanwhile: neither
// the order of the choices nor what they stand for, or a key would choose what was there a moment before.
import { Writable } from "node:stream";
import { type Io, isOn } from "./terminal.ts";

export interface Question {
  /** Asked for at every look. */
  readonly message: () => string;
  readonly choices: readonly Choice[];
  /** The one that is marked at first; missing, or not among them: the first. */
  readonly first?: string | undefined;
  /** Looks at the facts again. May add to the choices, at their end. What it throws ends the question. */
  readonly look: () => void;
}

export interface Choice {
  readonly value: string;
  /** Asked for at every look. @param columns width of the terminal */
  readonly label: (columns: number) => string;
  /** Asked for at every look: false greys it out, and it stays where it is. Missing: always. */
  readonly isOpen?: () => boolean;
}

const lookEveryMs = 500;
/** Of a terminal that does not tell its size: it would get one character a line. */
const usualSize = { columns: 80, rows: 24 };

/** @returns null: the person, or the signal, has ended it. @throws what a look throws */
export async function choose(io: Io, signal: AbortSignal, question: Question): Promise<string | null> {
  const { select, isCancel } = await import("@clack/prompts");
  const screen = new Screen(io.stdout);
  const broken = new AbortController();
  const options = question.choices.map((choice) => live(choice, screen));
  const beat = (): void => {
    try {
      question.look();
    } catch (error) {
      broken.abort(error);
      return;
    }
    options.push(...question.choices.slice(options.length).map((choice) => live(choice, screen)));
    screen.drawAgain();
  };
  // Who has it read aloud hears it once.
  const isReadAloud = isOn(io.environment["ACCESSIBLE"]);
  const timer = isReadAloud ? undefined : setInterval(beat, lookEveryMs);
  const stopFollowing = screen.followSize();
  try {
    const chosen = await select<string>({
      get message() {
        return question.message();
      },
      options,
      input: io.stdin,
      output: screen,
      signal: AbortSignal.any([signal, broken.signal]),
      ...(question.first === undefined ? {} : { initialValue: question.first }),
    });
    broken.signal.throwIfAborted();
    return isCancel(chosen) ? null : chosen;
  } finally {
    clearInterval(timer);
    stopFollowing();
  }
}

function live({ value, label, isOpen }: Choice, screen: Screen) {
  return {
    value,
    get disabled() {
      return isOpen?.() === false;
    },
    get label() {
      return label(screen.columns);
    },
  };
}

/** The terminal, as the library sees it: what is drawn at one moment reaches it as one piece, so that nothing flickers. */
class Screen extends Writable {
  readonly #terminal: Io["stdout"];

  constructor(terminal: Io["stdout"]) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
  }

  get columns(): number {
    return this.#terminal.columns || usualSize.columns;
  }

  get rows(): number {
    return this.#terminal.rows || usualSize.rows;
  }

  drawAgain(): void {
    this.cork();
    this.emit("resize");
    this.uncork();
  }

  /** @returns how to stop */
  followSize(): () => void {
    const draw = (): void => this.drawAgain();
    this.#terminal.on("resize", draw);
    return () => void this.#terminal.off("resize", draw);
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    // A terminal that has gone says so itself.
    this.#terminal.write(chunk, () => done());
  }

  override _writev(chunks: readonly { readonly chunk: string }[], done: () => void): void {
    this._write(chunks.map(({ chunk }) => chunk).join(""), "utf8", done);
  }
}
