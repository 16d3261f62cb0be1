// A piece of work in steps: between two of them anything may happen. What runs it decides when the next one is done, so the
// same work is done by command, by command from another process, or by a scheduler; and whoever is killed does no more.

/** What is about to be done, and from when on it can be. */
export interface Pause {
  readonly at: string;
  readonly isReady?: () => boolean;
}

export type Work<Result> = Generator<Pause, Result, void>;

export interface Task {
  /** Number, in the order of beginning. */
  readonly id: number;
  readonly name: string;
  /** The account that it is about. */
  readonly account: string;
  /** The next step's name. */
  readonly at: () => string;
  /** There is a next step, and it can be done. */
  readonly isReady: () => boolean;
  readonly isOver: () => boolean;
  /** It came to no end of its own. */
  readonly isKilled: () => boolean;
  /** Does the next step. */
  readonly step: () => void;
  /** It breaks where it is, and cleans up after itself. */
  readonly breaks: (error: Error) => void;
  /** It does no more, not even clean up. */
  readonly kill: () => void;
}

export interface TaskEnds<Result> {
  readonly ends: (result: Result) => void;
  readonly breaks: (error: unknown) => void;
}

export function createTask<Result>(
  { id, name, account }: Pick<Task, "id" | "name" | "account">,
  work: (task: Task) => Work<Result>,
  { ends, breaks }: TaskEnds<Result>,
): Task {
  let pause: Pause | null = null;
  let isKilled = false;
  let isRunning = false;

  const advance = (next: () => IteratorResult<Pause, Result>): void => {
    // A step that leads back here would be a second one in the middle of the first.
    if (pause === null || isRunning) return;
    isRunning = true;
    try {
      const { done, value } = next();
      pause = done === true ? null : value;
      if (done === true && !isKilled) ends(value);
    } catch (error) {
      pause = null;
      if (!isKilled) breaks(error);
    } finally {
      isRunning = false;
    }
  };
  const task: Task = {
    id,
    name,
    account,
    at: () => pause?.at ?? "over",
    isReady: () => pause !== null && (pause.isReady?.() ?? true),
    isOver: () => pause === null,
    isKilled: () => isKilled,
    step: () => {
      advance(() => generator.next());
    },
    breaks: (error) => {
      advance(() => generator.throw(error));
    },
    kill: () => {
      isKilled = true;
      pause = null;
    },
  };
  const generator = work(task);
  // What is done before the first pause is done by whoever starts it.
  pause = { at: "begin" };
  task.step();
  return task;
}
