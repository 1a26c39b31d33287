import { join, relative } from 'node:path'
import type { NodeView } from '@fog/contract'
import type { Invocation } from '../invocation.ts'
import { receiptText } from '../show/job-texts.ts'
import { factsText } from '../show/table.ts'
import { bytesText, count, durationText, plainText } from '../show/words.ts'
import type { LifeChange } from './kept-alive.ts'
import type { ExampleRun } from './up-example.ts'

export interface UpFacts {
  readonly url: string
  /** The one-time code, while nobody has used it. */
  readonly setupCode: string | undefined
  readonly adminName: string | undefined
  readonly hasConsole: boolean
}

/** What `fog up` says on its way: lines for people, or a JSON line each. */
export class UpReport {
  readonly #it: Invocation
  readonly #dataDir: string
  #hasSaidWaiting = false

  constructor(it: Invocation, dataDir: string) {
    this.#it = it
    this.#dataDir = dataDir
  }

  async waitingForFormer(): Promise<void> {
    if (this.#hasSaidWaiting) return
    this.#hasSaidWaiting = true
    await this.#tell({ type: 'waiting' }, '… A fog that ran on this data folder is still stopping; waiting for it')
  }

  async controlPlane(url: string): Promise<void> {
    await this.#good({ type: 'control-plane', url }, `Control plane at ${url}, its data in ${this.#dataDir}`)
  }

  async worker(node: NodeView): Promise<void> {
    const { nodeId, name, state, capacity, reasons } = node
    const lends = `${count(capacity.cores, 'core')} and ${bytesText(capacity.memoryBytes)} of memory`
    const now = state === 'online' ? '' : ` (${state}: ${reasons.join('; ')})`
    await this.#good({ type: 'worker', nodeId, name, state }, `Worker ${plainText(name)} lends ${lends}${now}`)
  }

  async example({ job, receipt, picture }: ExampleRun): Promise<void> {
    await this.#good(
      { type: 'example', job, receipt, picture },
      `The example ran through the fog: ${this.#short(picture)}\n\n${receiptText(receipt, this.#it.colours)}`,
    )
  }

  async exampleFailed(why: string): Promise<void> {
    await this.#tell({ type: 'example-failed', why }, `✗ The example was not run: ${why}`)
  }

  async up({ url, setupCode, adminName, hasConsole }: UpFacts): Promise<void> {
    const { bold } = this.#it.colours
    const setupUrl = setupCode === undefined ? undefined : `${url}/setup#code=${setupCode}`
    const facts = [
      ['Console', hasConsole ? bold(url) : `not built; build it with npm run console:build (the API is at ${url})`],
      ['First log-in', setupUrl && (hasConsole ? bold(setupUrl) : `fog login --setup-code ${setupCode}`)],
      ['Log in', adminName === undefined ? undefined : `as ${adminName}`],
      ['Command line', 'npm run fog -- ps, or any other; here it needs no log-in'],
      ['Logs', this.#short(join(this.#dataDir, 'logs'))],
    ] as const
    const text = `\n${factsText(facts, this.#it.colours)}\n\nCtrl-C stops everything.`
    await this.#tell({ type: 'ready', url, setupCode, setupUrl, dataDir: this.#dataDir }, text)
  }

  async life(change: LifeChange): Promise<void> {
    await this.#tell(lifeFacts(change), lifeText(change))
  }

  async stopping(): Promise<void> {
    await this.#tell({ type: 'stopping' }, '\nStopping. Once more Ctrl-C ends it at once.')
  }

  #short(path: string): string {
    const near = relative(process.cwd(), path)
    return near.startsWith('..') ? path : near
  }

  #good(value: object, text: string): Promise<void> {
    return this.#tell(value, `${this.#it.colours.green('✓')} ${text}`)
  }

  #tell(value: object, text: string): Promise<void> {
    return this.#it.showNext(value, () => text)
  }
}

function lifeFacts(change: LifeChange): object {
  return change.type === 'restarted' ? { type: change.type, what: change.what } : change
}

function lifeText(change: LifeChange): string {
  const { what } = change
  switch (change.type) {
    case 'died':
      return `✗ The ${what} ${change.how}; starting it again in ${durationText(change.againInMs)}. Its log: ${change.log}`
    case 'restarted':
      return `✓ The ${what} is up again`
    case 'given-up':
      return `✗ The ${what} died ${change.times} times in a row and is left alone. Its log: ${change.log}`
  }
}
