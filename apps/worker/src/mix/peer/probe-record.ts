import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomically } from '../../files.ts'

/** A packet that was sent through the network to oneself, as it is kept until its delays are explained. */
export interface ProbeRecord {
  readonly epoch: number
  /** Epoch milliseconds. */
  readonly sentAt: number
  /** By hop, the last one not: it hands over at once. Node id and replay tag in hex. */
  readonly hops: readonly { readonly nodeId: string; readonly tag: string }[]
  readonly meanSteps: number
  /** From sent to back; absent when it never came. */
  readonly tookMs?: number
}

/** As many are kept; the oldest go first. */
const MOST = 10_000

export class ProbeRecords {
  readonly #file: string

  constructor(folder: string) {
    this.#file = join(folder, 'probes.json')
  }

  /** What this program wrote; a file that is not whole counts as none. */
  read(): ProbeRecord[] {
    if (!existsSync(this.#file)) return []
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as ProbeRecord[]
    } catch {
      return []
    }
  }

  add(probes: readonly ProbeRecord[]): void {
    this.keep([...this.read(), ...probes])
  }

  keep(probes: readonly ProbeRecord[]): void {
    writeFileAtomically(this.#file, JSON.stringify(probes.slice(-MOST)), 0o600)
  }
}
