import { MemoryDatabase, toHex } from '@fog/kernel'
import { MemoryNodeStore } from '@fog/fog'
import { MemoryJobStore } from '@fog/scheduler'
import { MemoryLedgerStore } from '@fog/tokenomics'
import type { Database, Stores, Transaction, WakeTopic } from '../../ports.ts'
import { MemoryAccessStore } from './memory-access-store.ts'
import { MemoryBlobIndex } from './memory-blob-index.ts'
import { MemoryCheckpointStore } from './memory-checkpoint-store.ts'
import { MemoryEventLog } from './memory-event-log.ts'
import { MemoryFrontStore } from './memory-front-store.ts'
import { MemoryGatewayStore } from './memory-gateway-store.ts'
import { MemoryLogStore } from './memory-log-store.ts'
import { MemoryMixDirectoryStore } from './memory-mix-directory-store.ts'
import { MemoryMixnetStore } from './memory-mixnet-store.ts'
import { MemoryQuotaStore } from './memory-quota-store.ts'
import { MemoryScheduleStore } from './memory-schedule-store.ts'

/**
 * The whole store in memory, for tests and simulations: one transaction at a time, all of it or nothing. Its `read` sees the
 * open transaction too, where PostgreSQL shows what was committed.
 */
export class MemoryPlatformDatabase implements Database {
  readonly read: Stores
  readonly #database = new MemoryDatabase()
  readonly #directories = new Map<string, MemoryMixDirectoryStore>()
  readonly #listeners = new Map<WakeTopic, Set<() => void>>()

  constructor() {
    this.read = {
      nodes: new MemoryNodeStore(this.#database),
      jobs: new MemoryJobStore(this.#database),
      ledger: new MemoryLedgerStore(this.#database),
      access: new MemoryAccessStore(this.#database),
      blobs: new MemoryBlobIndex(this.#database),
      events: new MemoryEventLog(this.#database),
      logs: new MemoryLogStore(this.#database),
      gateways: new MemoryGatewayStore(this.#database),
      quotas: new MemoryQuotaStore(this.#database),
      fronts: new MemoryFrontStore(this.#database),
      schedules: new MemoryScheduleStore(this.#database),
      checkpoints: new MemoryCheckpointStore(this.#database),
      mixnet: new MemoryMixnetStore(this.#database),
      directory: (network) => this.#directory(toHex(network)),
    }
  }

  async transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const woken = new Set<WakeTopic>()
    const answer = await this.#database.transact(() => work({ ...this.read, wake: (topic) => woken.add(topic) }))
    for (const topic of woken) for (const run of this.#listeners.get(topic) ?? []) queueMicrotask(run)
    return answer
  }

  onWake(topic: WakeTopic, run: () => void): () => void {
    const runs = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, runs.add(run))
    return () => void runs.delete(run)
  }

  #directory(network: string): MemoryMixDirectoryStore {
    const store = this.#directories.get(network) ?? new MemoryMixDirectoryStore(this.#database)
    this.#directories.set(network, store)
    return store
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}
}
