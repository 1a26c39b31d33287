import type { WorkerMessage } from '@fog/contract'
import { decide, type Decision, FRESH_POLICY_STATE, type HarvestPolicy, type PolicyState } from '@fog/idle'
import type { Machine, Sensors } from '@fog/idle/node'
import type { Clock } from '@fog/kernel'
import type { Logger } from 'pino'

export type HarvestState = Extract<WorkerMessage, { type: 'harvest' }>['harvest']

export interface HarvesterDependencies {
  readonly sensors: Pick<Sensors, 'read'>
  readonly clock: Clock
  readonly log: Logger
  readonly taskCount: () => number
  /** Puts a decision into effect; called after every look, changed or not. */
  readonly apply: (decision: Decision) => void
  /** Called when what people see of it changed. */
  readonly changed: (state: HarvestState) => void
}

export interface HarvesterOptions {
  readonly policy: HarvestPolicy
  /** From look to look: a person who comes back has the device within this time and the time of one reading. */
  readonly everyMs: number
}

export const HARVEST_EVERY_MS = { server: 2000, desktop: 500, laptop: 500 } as const

/** A command that did not answer is not asked again for this long: starting it costs more than all other sensors. */
const ASK_AGAIN_MS = 60_000

/** The same machine, spared questions that it does not answer. */
export function patient(machine: Machine, clock: Clock): Machine {
  const silentUntil = new Map<string, number>()
  const ask: Machine['ask'] = async (command, ...args) => {
    if (clock.now() < (silentUntil.get(command) ?? 0)) return undefined
    const answer = await machine.ask(command, ...args)
    if (answer === undefined) silentUntil.set(command, clock.now() + ASK_AGAIN_MS)
    return answer
  }
  return { ...machine, ask }
}

/** What the contract takes of them. */
const MOST_REASONS = 10
const MOST_REASON_CHARS = 200

/** Looks at the device again and again and asks the lender's policy what may be used of it now. */
export class Harvester {
  readonly #dependencies: HarvesterDependencies
  readonly #options: HarvesterOptions
  readonly #stopping = new AbortController()
  #policyState: PolicyState = FRESH_POLICY_STATE
  #state: HarvestState = { mode: 'off', reasons: ['the worker is starting'], cpuShare: 0, maxTasks: 0 }
  #key = ''
  #running: Promise<void> | undefined

  constructor(dependencies: HarvesterDependencies, options: HarvesterOptions) {
    this.#dependencies = dependencies
    this.#options = options
  }

  /** What is decided now, as the control plane and people are told. */
  get state(): HarvestState {
    return this.#state
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    await this.#look()
    this.#running = this.#loop()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #loop(): Promise<void> {
    const { clock, log } = this.#dependencies
    const { signal } = this.#stopping
    for (;;) {
      await clock.sleep(this.#options.everyMs, signal).catch(() => undefined)
      if (signal.aborted) return
      // A sensor that fails must not end the watch: what was decided last holds until the next look.
      await this.#look().catch((fault: unknown) => log.error({ err: fault }, 'the sensors could not be read'))
    }
  }

  async #look(): Promise<void> {
    const { sensors, clock, taskCount, apply } = this.#dependencies
    const signals = await sensors.read({ tasks: taskCount(), snoozedUntil: undefined })
    const decision = decide(signals, this.#options.policy, this.#policyState, clock.now())
    this.#policyState = decision.state
    // Texts count seconds; only what they are about makes a change.
    const { mode, cpuShare, maxTasks, reasons } = decision
    const key = JSON.stringify([mode, cpuShare, maxTasks, reasons.map(({ code }) => code)])
    const isNew = key !== this.#key
    this.#key = key
    this.#state = {
      mode,
      // The policy counts in cores of the device, the fog in those that are lent.
      cpuShare: Math.round(Math.min(1, cpuShare / this.#options.policy.cpuShare) * 100),
      maxTasks,
      reasons: reasons.slice(0, MOST_REASONS).map(({ text }) => text.slice(0, MOST_REASON_CHARS)),
    }
    apply(decision)
    if (!isNew) return
    this.#dependencies.log.info({ ...this.#state }, 'harvest decided')
    this.#dependencies.changed(this.#state)
  }
}
