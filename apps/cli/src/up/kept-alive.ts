import type { Clock } from '@fog/kernel'
import { CliError } from '../cli-error.ts'
import { Child, type ChildMessage, type ChildSpec } from './child.ts'

/** Dying sooner than this after a start counts as one more death in a row. */
const SHORT_LIFE_MS = 60_000
const MOST_DEATHS = 8
const BACK_OFF_FIRST_MS = 500
const BACK_OFF_LONGEST_MS = 30_000

export interface KeptAliveOptions {
  /** As a person calls it: `control plane`. */
  readonly what: string
  /** Asked before every start. */
  readonly spec: () => ChildSpec
  /** The message that says it is up. */
  readonly readyType: string
  readonly stopGraceMs: number
  /** Told of each death and each new start. */
  readonly onChange: (change: LifeChange) => void
}

export type LifeChange =
  | {
      readonly type: 'died'
      readonly what: string
      readonly how: string
      readonly againInMs: number
      readonly log: string
    }
  | { readonly type: 'restarted'; readonly what: string; readonly message: ChildMessage }
  | { readonly type: 'given-up'; readonly what: string; readonly times: number; readonly log: string }

/** A child that is started again when it dies, later each time, until it has died too often in a row. */
export class KeptAlive {
  readonly #clock: Clock
  readonly #options: KeptAliveOptions
  readonly #stopping = new AbortController()
  #child: Child | undefined
  #keeping: Promise<void> | undefined

  constructor({ clock }: { readonly clock: Clock }, options: KeptAliveOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** Starts it, and answers what it said when it was up. Throws `up.not_started` with the reason it gave, or that it was stopped. */
  async start(): Promise<ChildMessage> {
    this.#stopping.signal.throwIfAborted()
    const { child, ready } = this.#spawn()
    const message = await ready
    this.#keeping = this.#keep(child)
    return message
  }

  /** Resolves when it has died too often, or was stopped. */
  get gone(): Promise<void> {
    return this.#keeping ?? Promise.resolve()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#child?.stop(this.#options.stopGraceMs)
    await this.#keeping
  }

  /** Ends it at once. */
  kill(): void {
    this.#stopping.abort()
    this.#child?.kill()
  }

  #spawn(): { child: Child; ready: Promise<ChildMessage> } {
    const { what, spec, readyType } = this.#options
    const facts = spec()
    const { promise: up, resolve } = Promise.withResolvers<ChildMessage>()
    let [why, reason]: (string | undefined)[] = []
    const child = Child.start(facts, (message) => {
      if (message.type === readyType) resolve(message)
      if (message.type !== 'failed') return
      why = String(message['text'] ?? message['message'])
      reason = String(message['code'])
    })
    this.#child = child
    const dead = child.exited.then((how) => {
      throw notStarted({ what, how, why, reason, log: facts.logFile })
    })
    // Whoever waits for it to be up hears of it; afterwards its end is watched elsewhere.
    dead.catch(() => undefined)
    return { child, ready: Promise.race([up, dead]) }
  }

  async #keep(first: Child): Promise<void> {
    const { what, spec, onChange } = this.#options
    const { signal } = this.#stopping
    let [child, deaths, startedAt] = [first, 0, this.#clock.now()]
    for (;;) {
      const how = await child.exited
      if (signal.aborted) return
      deaths = this.#clock.now() - startedAt < SHORT_LIFE_MS ? deaths + 1 : 1
      const log = spec().logFile
      if (deaths >= MOST_DEATHS) return onChange({ type: 'given-up', what, times: deaths, log })
      const againInMs = Math.min(BACK_OFF_LONGEST_MS, BACK_OFF_FIRST_MS * 2 ** (deaths - 1))
      onChange({ type: 'died', what, how, againInMs, log })
      await this.#clock.sleep(againInMs, signal).catch(() => undefined)
      if (signal.aborted) return
      startedAt = this.#clock.now()
      const next = this.#spawn()
      child = next.child
      next.ready.then(
        (message) => onChange({ type: 'restarted', what, message }),
        () => undefined,
      )
    }
  }
}

interface FailedStart {
  readonly what: string
  readonly how: string
  /** What it said of the reason itself, and the code it gave. */
  readonly why: string | undefined
  readonly reason: string | undefined
  readonly log: string
}

function notStarted({ what, how, why, reason = '', log }: FailedStart): CliError {
  const address = /EADDRINUSE\S* address already in use (\S+)/.exec(why ?? '')?.[1]
  if (address !== undefined) return new CliError({ code: 'up.port_taken', address })
  return new CliError({ code: 'up.not_started', what, why: sentence(why ?? `it ${how}`), reason, log })
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
