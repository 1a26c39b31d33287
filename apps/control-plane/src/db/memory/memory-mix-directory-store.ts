import { MemoryDirectoryStore, type Evidence } from '@fog/betanet/directory'
import type { MemoryDatabase, MemoryTable } from '@fog/kernel'
import type { MixDirectoryStore } from '../../mixnet/stores.ts'

/** The memory twin. */
export class MemoryMixDirectoryStore extends MemoryDirectoryStore implements MixDirectoryStore {
  readonly #consensuses: MemoryTable<number, { readonly epoch: number; readonly bytes: Uint8Array }>
  readonly #evidence: MemoryTable<string, Evidence>

  constructor(database: MemoryDatabase) {
    super(database)
    this.#consensuses = database.table()
    this.#evidence = database.table()
  }

  override async addConsensus(epoch: number, bytes: Uint8Array): Promise<'added' | 'exists'> {
    if (this.#consensuses.has(epoch)) return 'exists'
    this.#consensuses.set(epoch, { epoch, bytes: bytes.slice() })
    return 'added'
  }

  override async findConsensus(epoch: number): Promise<Uint8Array | undefined> {
    return this.#consensuses.get(epoch)?.bytes.slice()
  }

  override async findLastConsensus(before?: number): Promise<Uint8Array | undefined> {
    const epoch = await this.lastConsensusEpoch(before)
    return epoch === undefined ? undefined : this.findConsensus(epoch)
  }

  async lastConsensusEpoch(before = Number.MAX_SAFE_INTEGER): Promise<number | undefined> {
    const epochs = [...this.#consensuses.values()].map(({ epoch }) => epoch)
    return epochs.filter((epoch) => epoch < before).sort((a, b) => b - a)[0]
  }

  override async addEvidence(evidence: Evidence): Promise<void> {
    const key = keyOf(evidence)
    if (!this.#evidence.has(key)) this.#evidence.set(key, evidence)
  }

  override async listEvidence(limit: number): Promise<readonly Evidence[]> {
    const order = (a: Evidence, b: Evidence) => b.epoch - a.epoch || (keyOf(a) < keyOf(b) ? -1 : 1)
    return [...this.#evidence.values()].sort(order).slice(0, limit)
  }

  async findEvidence(kind: Evidence['kind'], culprit: string, epoch: number): Promise<Evidence | undefined> {
    return this.#evidence.get(keyOf({ kind, culprit, epoch }))
  }

  async countEvidence(culprit: string): Promise<{ readonly all: number; readonly ofCulprit: number }> {
    const all = [...this.#evidence.values()]
    return { all: all.length, ofCulprit: all.filter((one) => one.culprit === culprit).length }
  }

  async forgetConsensusesBefore(epoch: number): Promise<void> {
    const last = await this.lastConsensusEpoch()
    for (const row of this.#consensuses.values()) {
      if (row.epoch < epoch && row.epoch !== last) this.#consensuses.delete(row.epoch)
    }
  }
}

function keyOf({ kind, culprit, epoch }: Pick<Evidence, 'kind' | 'culprit' | 'epoch'>): string {
  return `${kind} ${culprit} ${epoch}`
}
