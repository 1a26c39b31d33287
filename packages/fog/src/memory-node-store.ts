import type { AccountId, AttemptId, GatewayId, Instant, MemoryDatabase, MemoryTable, NodeId } from '@fog/kernel'
import { NodeError } from './node-error.ts'
import type { Duty, FogNode, Harvest, Health, Reservation, Resources } from './node.ts'
import type { ConnectFacts, NodeFilter, NodeStore } from './node-store.ts'
import { addResources, fits, NOTHING, sameResources, subtractResources } from './resources.ts'

/** The node store in memory. Whoever wants all-or-nothing runs it inside the database's `transact`. */
export class MemoryNodeStore implements NodeStore {
  readonly #nodes: MemoryTable<NodeId, FogNode>
  readonly #idsByKey: MemoryTable<string, NodeId>
  readonly #reservations: MemoryTable<AttemptId, Reservation>

  constructor(database: MemoryDatabase) {
    this.#nodes = database.table()
    this.#idsByKey = database.table()
    this.#reservations = database.table()
  }

  async add(node: FogNode): Promise<void> {
    const { nodeId, publicKey } = node
    if (this.#idsByKey.has(publicKey)) throw new NodeError({ code: 'node.key_taken', publicKey })
    this.#nodes.set(nodeId, node)
    this.#idsByKey.set(publicKey, nodeId)
  }

  async find(nodeId: NodeId): Promise<FogNode | undefined> {
    return this.#nodes.get(nodeId)
  }

  async findAll(nodeIds: readonly NodeId[]): Promise<FogNode[]> {
    return [...new Set(nodeIds)].flatMap((nodeId) => this.#nodes.get(nodeId) ?? [])
  }

  async findByPublicKey(publicKey: string): Promise<FogNode | undefined> {
    const nodeId = this.#idsByKey.get(publicKey)
    return nodeId && this.#nodes.get(nodeId)
  }

  async list({ ownerId, after, limit, retired }: NodeFilter): Promise<FogNode[]> {
    const isWanted = (node: FogNode) =>
      (!after || node.nodeId > after) && isOwnedBy(node, ownerId) && (retired || node.duty !== 'retired')
    return this.#inOrder(isWanted).slice(0, limit)
  }

  async connect(nodeId: NodeId, { at, ...facts }: ConnectFacts): Promise<void> {
    const node = this.#get(nodeId)
    this.#nodes.set(nodeId, withHealth({ ...node, ...facts, lastSeenAt: at }, 'online', at))
  }

  async disconnect(nodeId: NodeId, gatewayId: GatewayId): Promise<boolean> {
    const node = this.#nodes.get(nodeId)
    if (node?.gatewayId !== gatewayId) return false
    const { gatewayId: _, ...disconnected } = node
    this.#nodes.set(nodeId, disconnected)
    return true
  }

  async setHealth(nodeId: NodeId, health: Health, at: Instant): Promise<void> {
    this.#nodes.set(nodeId, withHealth(this.#get(nodeId), health, at))
  }

  async setHarvest(nodeId: NodeId, harvest: Harvest): Promise<void> {
    this.#nodes.set(nodeId, { ...this.#get(nodeId), harvest })
  }

  async setDuty(nodeId: NodeId, duty: Duty): Promise<void> {
    this.#nodes.set(nodeId, { ...this.#get(nodeId), duty })
  }

  async setLabels(nodeId: NodeId, labels: Readonly<Record<string, string>>): Promise<void> {
    this.#nodes.set(nodeId, { ...this.#get(nodeId), labels })
  }

  async addTrust(deltas: readonly { readonly nodeId: NodeId; readonly delta: number }[]): Promise<void> {
    for (const { nodeId, delta } of deltas) {
      const node = this.#nodes.get(nodeId)
      if (node) this.#nodes.set(nodeId, { ...node, trust: Math.min(1_000, Math.max(0, node.trust + delta)) })
    }
  }

  async touch(
    seen: readonly { readonly nodeId: NodeId; readonly at: Instant; readonly latencyMs?: number | undefined }[],
  ): Promise<void> {
    for (const { nodeId, at, latencyMs } of seen) {
      const node = this.#nodes.get(nodeId)
      if (!node) continue
      const lastSeenAt = Math.max(node.lastSeenAt, at)
      this.#nodes.set(nodeId, { ...node, lastSeenAt, latencyMs: latencyMs ?? node.latencyMs })
    }
  }

  async reserve(items: readonly Reservation[]): Promise<AttemptId[]> {
    const reserved: AttemptId[] = []
    for (const item of items) if (this.#reserve(item)) reserved.push(item.attemptId)
    return reserved
  }

  async free(attemptIds: readonly AttemptId[]): Promise<AttemptId[]> {
    return attemptIds.filter((attemptId) => this.#free(attemptId))
  }

  async reservationsOf(nodeIds: readonly NodeId[]): Promise<Reservation[]> {
    const wanted = new Set(nodeIds)
    return [...this.#reservations.values()].filter(({ nodeId }) => wanted.has(nodeId))
  }

  async listByGateway(gatewayIds: readonly GatewayId[]): Promise<FogNode[]> {
    const wanted = new Set(gatewayIds)
    return this.#inOrder((node) => node.gatewayId !== undefined && wanted.has(node.gatewayId))
  }

  async auditReservations(): Promise<{ readonly nodeId: NodeId; readonly says: Resources; readonly sum: Resources }[]> {
    const sums = new Map<NodeId, Resources>()
    for (const { nodeId, resources } of this.#reservations.values()) {
      sums.set(nodeId, addResources(sums.get(nodeId) ?? NOTHING, resources))
    }
    return this.#inOrder(() => true)
      .map(({ nodeId, reserved }) => ({ nodeId, says: reserved, sum: sums.get(nodeId) ?? NOTHING }))
      .filter(({ says, sum }) => !sameResources(says, sum))
  }

  #reserve(item: Reservation): boolean {
    const node = this.#nodes.get(item.nodeId)
    if (!node || node.health !== 'online' || node.duty !== 'active') return false
    if (this.#reservations.has(item.attemptId)) return false
    const reserved = addResources(node.reserved, item.resources)
    if (!fits(reserved, node.capacity)) return false
    this.#reservations.set(item.attemptId, item)
    this.#nodes.set(node.nodeId, { ...node, reserved, reservations: node.reservations + 1 })
    return true
  }

  #free(attemptId: AttemptId): boolean {
    const reservation = this.#reservations.get(attemptId)
    if (!reservation) return false
    this.#reservations.delete(attemptId)
    const node = this.#get(reservation.nodeId)
    const reserved = subtractResources(node.reserved, reservation.resources)
    this.#nodes.set(node.nodeId, { ...node, reserved, reservations: node.reservations - 1 })
    return true
  }

  #get(nodeId: NodeId): FogNode {
    const node = this.#nodes.get(nodeId)
    if (!node) throw new NodeError({ code: 'node.not_found', nodeId })
    return node
  }

  /** Ids sort by age, so the order of ids is the order of enrolment. */
  #inOrder(isWanted: (node: FogNode) => boolean): FogNode[] {
    return [...this.#nodes.values()].filter(isWanted).sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1))
  }
}

function isOwnedBy(node: FogNode, ownerId: AccountId | undefined): boolean {
  return ownerId === undefined || node.ownerId === ownerId
}

/** The same health said again does not begin anew. */
function withHealth(node: FogNode, health: Health, at: Instant): FogNode {
  return node.health === health ? node : { ...node, health, healthSince: at }
}
