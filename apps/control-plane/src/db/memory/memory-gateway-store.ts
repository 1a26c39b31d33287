import type { GatewayId, Instant, MemoryDatabase, MemoryTable } from '@fog/kernel'
import type { GatewayStore } from '../../ports.ts'

/** Control planes that hold worker channels, in memory. */
export class MemoryGatewayStore implements GatewayStore {
  readonly #beats: MemoryTable<GatewayId, { readonly gatewayId: GatewayId; readonly beatAt: Instant }>

  constructor(database: MemoryDatabase) {
    this.#beats = database.table()
  }

  async beat(gatewayId: GatewayId, at: Instant): Promise<boolean> {
    const wasKnown = this.#beats.has(gatewayId)
    this.#beats.set(gatewayId, { gatewayId, beatAt: at })
    return wasKnown
  }

  async listSilent(before: Instant): Promise<GatewayId[]> {
    const silent = [...this.#beats.values()].filter(({ beatAt }) => beatAt < before)
    return silent.sort((a, b) => a.beatAt - b.beatAt || (a.gatewayId < b.gatewayId ? -1 : 1)).map((it) => it.gatewayId)
  }

  async remove(gatewayId: GatewayId): Promise<void> {
    this.#beats.delete(gatewayId)
  }
}
