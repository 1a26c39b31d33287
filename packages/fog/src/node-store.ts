import type { AccountId, AttemptId, GatewayId, Instant, NodeId } from '@fog/kernel'
import type { DeviceFacts, Duty, FogNode, Harvest, Health, Reach, Reservation, Resources } from './node.ts'

/** Where nodes and reservations are kept. All calls of one transaction succeed or none does. */
export interface NodeStore {
  /** Adds a node. Throws `node.key_taken` when another node has its public key. */
  add(node: FogNode): Promise<void>
  find(nodeId: NodeId): Promise<FogNode | undefined>
  /** In no order; unknown ids are left out. */
  findAll(nodeIds: readonly NodeId[]): Promise<FogNode[]>
  findByPublicKey(publicKey: string): Promise<FogNode | undefined>
  /** In order of enrolment; `after` is the last id of the page before. */
  list(filter: NodeFilter): Promise<FogNode[]>

  /**
   * A (re)connected device states its facts anew; its health becomes online. What is reserved stays, even where the
   * device now offers less. This and the setters below throw `node.not_found`.
   */
  connect(nodeId: NodeId, facts: ConnectFacts): Promise<void>
  /** Forgets the channel, but only if this gateway still holds it. Returns whether it did. */
  disconnect(nodeId: NodeId, gatewayId: GatewayId): Promise<boolean>
  /** The same health said again does not move `healthSince`. */
  setHealth(nodeId: NodeId, health: Health, at: Instant): Promise<void>
  setHarvest(nodeId: NodeId, harvest: Harvest): Promise<void>
  setDuty(nodeId: NodeId, duty: Duty): Promise<void>
  setLabels(nodeId: NodeId, labels: Readonly<Record<string, string>>): Promise<void>
  /** Adds each delta, a whole number, to its node's trust, kept within 0 to 1000. Unknown nodes are passed over. */
  addTrust(deltas: readonly { readonly nodeId: NodeId; readonly delta: number }[]): Promise<void>
  /** Batched, from time to time: `lastSeenAt`, which never goes back, and the latency where it was measured. */
  touch(
    seen: readonly { readonly nodeId: NodeId; readonly at: Instant; readonly latencyMs?: number | undefined }[],
  ): Promise<void>

  /**
   * Reserves each item whole or refuses it: the sum on a node never exceeds its capacity, and only nodes that are
   * online and active take new work. Answers the attempt ids that were reserved, in the order given; an attempt that
   * already has a reservation is refused. Items are tried in the order given.
   */
  reserve(items: readonly Reservation[]): Promise<AttemptId[]>
  /** Frees reservations; answers those that were live. Freeing twice changes nothing. */
  free(attemptIds: readonly AttemptId[]): Promise<AttemptId[]>
  /** Of all of these nodes, in no order. */
  reservationsOf(nodeIds: readonly NodeId[]): Promise<Reservation[]>

  /** Nodes whose channel is held by one of these gateways. */
  listByGateway(gatewayIds: readonly GatewayId[]): Promise<FogNode[]>
  /** Differences between each node's `reserved` and the sum of its reservations; empty when all is well. */
  auditReservations(): Promise<{ readonly nodeId: NodeId; readonly says: Resources; readonly sum: Resources }[]>
}

export interface NodeFilter {
  readonly ownerId?: AccountId | undefined
  readonly after?: NodeId | undefined
  readonly limit: number
  /** Retired nodes are left out unless asked for. */
  readonly retired?: boolean | undefined
}

export interface ConnectFacts {
  readonly gatewayId: GatewayId
  readonly reach: Reach
  readonly device: DeviceFacts
  readonly capacity: Resources
  readonly labels: Readonly<Record<string, string>>
  readonly harvest: Harvest
  readonly at: Instant
}
