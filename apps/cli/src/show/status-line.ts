import type { Clock } from '@fog/kernel'
import type { TerminalOutput } from '../terminal.ts'

/** On a terminal the line is drawn again at most this often. */
const REDRAW_MS = 80
/** In a log a line now and then shows that it still works. */
const LOG_EVERY_MS = 5_000

/**
 * One line that changes in place on a terminal, and a line now and then anywhere else. `text` is asked for when it is
 * drawn; the last state is always shown.
 */
export class StatusLine {
  readonly #output: TerminalOutput
  readonly #clock: Clock
  #drawnAt: number | undefined
  #isShown = false
  #lastLine = ''

  constructor({ output, clock }: { readonly output: TerminalOutput; readonly clock: Clock }) {
    this.#output = output
    this.#clock = clock
  }

  get isTerminal(): boolean {
    return this.#output.isTerminal
  }

  get columns(): number {
    return this.#output.columns
  }

  /** Shows it, if it is time to. */
  update(text: () => string): void {
    const now = this.#clock.now()
    const every = this.isTerminal ? REDRAW_MS : LOG_EVERY_MS
    this.#drawnAt ??= this.isTerminal ? undefined : now
    if (this.#drawnAt !== undefined && now - this.#drawnAt < every) return
    this.#draw(text(), now)
  }

  /** Shows it for good, and goes to the next line. */
  end(text: string): void {
    if (this.isTerminal) void this.#output.write(`\r\u001b[K${text}\n`)
    else if (text !== this.#lastLine) void this.#output.write(`${text}\n`)
    this.#isShown = false
  }

  /** Takes the line away, so that something else can be written there. */
  clear(): void {
    if (this.#isShown) void this.#output.write('\r\u001b[K')
    this.#isShown = false
    if (this.isTerminal) this.#drawnAt = undefined
  }

  #draw(text: string, now: number): void {
    this.#drawnAt = now
    this.#lastLine = text
    this.#isShown = this.isTerminal
    void this.#output.write(this.isTerminal ? `\r\u001b[K${text}` : `${text}\n`)
  }
}
