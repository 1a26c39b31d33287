/** What a person reads about one error code. `{name}` in a text is filled from the error's facts. */
export interface ErrorText {
  /** What happened, and to which thing. */
  readonly says: string
  /** What to do about it. */
  readonly fix: string
}

export type ErrorTexts<Code extends string> = Readonly<Record<Code, ErrorText>>

export interface ErrorFacts {
  readonly code: string
}

/**
 * The root of every error the platform throws on purpose: a code, the facts, and a sentence for the person who meets it.
 *
 * A layer makes its own class with its own union of facts and its own `texts`; `docs/errors.md` lists them all.
 */
export class FogError<Facts extends ErrorFacts = ErrorFacts> extends Error {
  static readonly texts: Readonly<Record<string, ErrorText>> = {}
  readonly facts: Facts

  constructor(facts: Facts, options?: ErrorOptions) {
    super(sentence(new.target.texts[facts.code], facts), options)
    this.name = new.target.name
    this.facts = facts
  }

  get code(): Facts['code'] {
    return this.facts.code
  }
}

export function isFogError(thrown: unknown): thrown is FogError {
  return thrown instanceof FogError
}

function sentence(text: ErrorText | undefined, facts: ErrorFacts): string {
  if (!text) return facts.code
  return `${fill(text.says, facts)} ${fill(text.fix, facts)}`.trim()
}

function fill(template: string, facts: ErrorFacts): string {
  const values = facts as unknown as Record<string, unknown>
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole))
}

/** An invariant of our own that does not hold. Never the user's doing. */
export class BrokenInvariant extends Error {
  override name = 'BrokenInvariant'
}

/** Ends the program's path when a thing that must hold does not. */
export function assert(holds: unknown, reason: string): asserts holds {
  if (!holds) throw new BrokenInvariant(reason)
}

/** Makes a switch complete: the compiler refuses a case nobody handled. */
export function assertNever(value: never): never {
  throw new BrokenInvariant(`a case nobody handled: ${JSON.stringify(value)}`)
}
