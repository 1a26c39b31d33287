import type { AttemptId, GatewayId, Instant, NodeId } from '@fog/kernel'
import { addResources, fits, NodeError } from '@fog/fog'
import type {
  ConnectFacts,
  Duty,
  FogNode,
  Harvest,
  Health,
  NodeFilter,
  NodeStore,
  Reservation,
  Resources,
} from '@fog/fog'
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import { namesOf, rowsOf, texts, toJson, toText } from './rows.ts'
import type { RowShape } from './rows.ts'
import type { Db, NodeRow, ReservationRow } from './tables.ts'

const NODE: RowShape<FogNode> = {
  node_id: ['text', (node) => node.nodeId],
  owner_id: ['text', (node) => node.ownerId],
  name: ['text', (node) => node.name],
  public_key: ['text', (node) => node.publicKey],
  device: ['json', (node) => node.device],
  labels: ['json', (node) => node.labels],
  harvest: ['json', (node) => node.harvest],
  capacity_cpu: ['int8', (node) => node.capacity.cpuMilli],
  capacity_memory: ['int8', (node) => node.capacity.memoryBytes],
  capacity_disk: ['int8', (node) => node.capacity.diskBytes],
  reserved_cpu: ['int8', (node) => node.reserved.cpuMilli],
  reserved_memory: ['int8', (node) => node.reserved.memoryBytes],
  reserved_disk: ['int8', (node) => node.reserved.diskBytes],
  reservations: ['int4', (node) => node.reservations],
  health: ['text', (node) => node.health],
  health_since: ['int8', (node) => node.healthSince],
  duty: ['text', (node) => node.duty],
  gateway_id: ['text', (node) => node.gatewayId],
  reach: ['text', (node) => node.reach],
  trust: ['int4', (node) => node.trust],
  latency_ms: ['float8', (node) => node.latencyMs],
  enrolled_at: ['int8', (node) => node.enrolledAt],
  last_seen_at: ['int8', (node) => node.lastSeenAt],
}

const RESERVATION: RowShape<Reservation> = {
  attempt_id: ['text', (item) => item.attemptId],
  node_id: ['text', (item) => item.nodeId],
  cpu: ['int8', (item) => item.resources.cpuMilli],
  memory: ['int8', (item) => item.resources.memoryBytes],
  disk: ['int8', (item) => item.resources.diskBytes],
}

interface Sight {
  readonly nodeId: NodeId
  readonly at: Instant
  readonly latencyMs?: number | undefined
}

/** Columns and their new values, or expressions for them. */
type NodeChange = { readonly [Column in keyof NodeRow]?: string | number | RawBuilder<unknown> }

/**
 * Nodes and reservations in PostgreSQL. What a node's reservations sum up to stands in its row, so reserving and freeing
 * lock that row first, in the order of ids: no two of them can overfill a node nor wait for each other in a circle.
 */
export class PgNodeStore implements NodeStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async add(node: FogNode): Promise<void> {
    const added = await sql`
      INSERT INTO nodes (${namesOf(NODE)}) SELECT * FROM ${rowsOf(NODE, [node])}
      ON CONFLICT (public_key) DO NOTHING RETURNING node_id`.execute(this.#db)
    if (added.rows.length === 0) throw new NodeError({ code: 'node.key_taken', publicKey: node.publicKey })
  }

  async find(nodeId: NodeId): Promise<FogNode | undefined> {
    const row = await this.#db.selectFrom('nodes').selectAll().where('node_id', '=', nodeId).executeTakeFirst()
    return row && toNode(row)
  }

  async findAll(nodeIds: readonly NodeId[]): Promise<FogNode[]> {
    if (nodeIds.length === 0) return []
    const { rows } = await sql<NodeRow>`SELECT * FROM nodes WHERE node_id = ANY (${texts(nodeIds)})`.execute(this.#db)
    return rows.map(toNode)
  }

  async findByPublicKey(publicKey: string): Promise<FogNode | undefined> {
    const row = await this.#db.selectFrom('nodes').selectAll().where('public_key', '=', publicKey).executeTakeFirst()
    return row && toNode(row)
  }

  async list({ ownerId, after, limit, retired }: NodeFilter): Promise<FogNode[]> {
    let query = this.#db.selectFrom('nodes').selectAll().orderBy('node_id').limit(limit)
    if (ownerId) query = query.where('owner_id', '=', ownerId)
    if (after) query = query.where('node_id', '>', after)
    if (!retired) query = query.where('duty', '!=', 'retired')
    return (await query.execute()).map(toNode)
  }

  async connect(nodeId: NodeId, facts: ConnectFacts): Promise<void> {
    const { gatewayId, reach, device, capacity, labels, harvest, at } = facts
    await this.#update(nodeId, {
      gateway_id: gatewayId,
      reach,
      device: json(device),
      labels: json(labels),
      harvest: json(harvest),
      capacity_cpu: capacity.cpuMilli,
      capacity_memory: capacity.memoryBytes,
      capacity_disk: capacity.diskBytes,
      ...healthSet('online', at),
      last_seen_at: at,
    })
  }

  async disconnect(nodeId: NodeId, gatewayId: GatewayId): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('nodes')
      .set({ gateway_id: null })
      .where('node_id', '=', nodeId)
      .where('gateway_id', '=', gatewayId)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  async setHealth(nodeId: NodeId, health: Health, at: Instant): Promise<void> {
    await this.#update(nodeId, healthSet(health, at))
  }

  async setHarvest(nodeId: NodeId, harvest: Harvest): Promise<void> {
    await this.#update(nodeId, { harvest: json(harvest) })
  }

  async setDuty(nodeId: NodeId, duty: Duty): Promise<void> {
    await this.#update(nodeId, { duty })
  }

  async setLabels(nodeId: NodeId, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.#update(nodeId, { labels: json(labels) })
  }

  async addTrust(deltas: readonly { readonly nodeId: NodeId; readonly delta: number }[]): Promise<void> {
    if (deltas.length === 0) return
    const nodes = await this.#lock(deltas.map(({ nodeId }) => nodeId))
    const trust = new Map([...nodes].map(([nodeId, node]) => [nodeId, node.trust]))
    // One after the other, because each stops at the bounds.
    for (const { nodeId, delta } of deltas) {
      const before = trust.get(nodeId)
      if (before !== undefined) trust.set(nodeId, Math.min(1_000, Math.max(0, before + delta)))
    }
    const shape: RowShape<[NodeId, number]> = { node_id: ['text', ([id]) => id], trust: ['int4', ([, value]) => value] }
    await sql`
      UPDATE nodes SET trust = r.trust FROM ${rowsOf(shape, [...trust])}
      WHERE nodes.node_id = r.node_id`.execute(this.#db)
  }

  async touch(seen: readonly Sight[]): Promise<void> {
    if (seen.length === 0) return
    const latest = new Map<NodeId, Sight>()
    for (const sight of seen) latest.set(sight.nodeId, later(latest.get(sight.nodeId), sight))
    const shape: RowShape<Sight> = {
      node_id: ['text', (sight) => sight.nodeId],
      at: ['int8', (sight) => sight.at],
      latency_ms: ['float8', (sight) => sight.latencyMs],
    }
    await sql`
      UPDATE nodes SET last_seen_at = GREATEST(last_seen_at, s.at), latency_ms = COALESCE(s.latency_ms, nodes.latency_ms)
      FROM (
        SELECT r.* FROM ${rowsOf(shape, [...latest.values()])} JOIN nodes USING (node_id)
        ORDER BY nodes.node_id FOR UPDATE OF nodes
      ) s
      WHERE nodes.node_id = s.node_id`.execute(this.#db)
  }

  async reserve(items: readonly Reservation[]): Promise<AttemptId[]> {
    if (items.length === 0) return []
    const nodes = await this.#lock(items.map(({ nodeId }) => nodeId))
    const taken = await this.#reserved(items.map(({ attemptId }) => attemptId))
    const chosen = choose(items, nodes, taken)
    if (chosen.length === 0) return []
    // Another node's transaction may be reserving for the same attempt, which only the key can tell.
    const { rows } = await sql<{ attempt_id: AttemptId }>`
      WITH added AS (
        INSERT INTO reservations (${namesOf(RESERVATION)}) SELECT * FROM ${rowsOf(RESERVATION, chosen)}
        ON CONFLICT (attempt_id) DO NOTHING RETURNING *
      ), summed AS (
        UPDATE nodes SET reserved_cpu = reserved_cpu + s.cpu, reserved_memory = reserved_memory + s.memory,
          reserved_disk = reserved_disk + s.disk, reservations = reservations + s.count
        FROM (${sumsByNode('added')}) s WHERE nodes.node_id = s.node_id
      )
      SELECT attempt_id FROM added`.execute(this.#db)
    const added = new Set(rows.map((row) => row.attempt_id))
    return chosen.map(({ attemptId }) => attemptId).filter((attemptId) => added.has(attemptId))
  }

  async free(attemptIds: readonly AttemptId[]): Promise<AttemptId[]> {
    if (attemptIds.length === 0) return []
    await sql`
      SELECT FROM nodes WHERE node_id IN (SELECT node_id FROM reservations WHERE attempt_id = ANY (${texts(attemptIds)}))
      ORDER BY node_id FOR UPDATE`.execute(this.#db)
    const { rows } = await sql<{ attempt_id: AttemptId }>`
      WITH freed AS (DELETE FROM reservations WHERE attempt_id = ANY (${texts(attemptIds)}) RETURNING *),
      summed AS (
        UPDATE nodes SET reserved_cpu = reserved_cpu - s.cpu, reserved_memory = reserved_memory - s.memory,
          reserved_disk = reserved_disk - s.disk, reservations = reservations - s.count
        FROM (${sumsByNode('freed')}) s WHERE nodes.node_id = s.node_id
      )
      SELECT attempt_id FROM freed`.execute(this.#db)
    return rows.map((row) => row.attempt_id)
  }

  async reservationsOf(nodeIds: readonly NodeId[]): Promise<Reservation[]> {
    const { rows } = await sql<ReservationRow>`
      SELECT * FROM reservations WHERE node_id = ANY (${texts(nodeIds)})`.execute(this.#db)
    return rows.map(toReservation)
  }

  async listByGateway(gatewayIds: readonly GatewayId[]): Promise<FogNode[]> {
    if (gatewayIds.length === 0) return []
    const query = this.#db.selectFrom('nodes').selectAll().where('gateway_id', 'in', gatewayIds)
    return (await query.orderBy('node_id').execute()).map(toNode)
  }

  async auditReservations(): Promise<{ readonly nodeId: NodeId; readonly says: Resources; readonly sum: Resources }[]> {
    const { rows } = await sql<NodeRow & Omit<ReservationRow, 'attempt_id'>>`
      SELECT nodes.*, COALESCE(s.cpu, 0) AS cpu, COALESCE(s.memory, 0) AS memory, COALESCE(s.disk, 0) AS disk
      FROM nodes LEFT JOIN (${sumsByNode('reservations')}) s USING (node_id)
      WHERE (reserved_cpu, reserved_memory, reserved_disk)
        <> (COALESCE(s.cpu, 0), COALESCE(s.memory, 0), COALESCE(s.disk, 0))
      ORDER BY node_id`.execute(this.#db)
    return rows.map((row) => ({ nodeId: row.node_id, says: toNode(row).reserved, sum: toReservation(row).resources }))
  }

  async #update(nodeId: NodeId, set: NodeChange): Promise<void> {
    const assignments = sql.join(Object.entries(set).map(([name, value]) => sql`${sql.ref(name)} = ${value}`))
    const updated = await sql`UPDATE nodes SET ${assignments} WHERE node_id = ${nodeId}`.execute(this.#db)
    if (updated.numAffectedRows === 0n) throw new NodeError({ code: 'node.not_found', nodeId })
  }

  async #lock(nodeIds: readonly NodeId[]): Promise<Map<NodeId, FogNode>> {
    const { rows } = await sql<NodeRow>`
      SELECT * FROM nodes WHERE node_id = ANY (${texts([...new Set(nodeIds)])}) ORDER BY node_id FOR UPDATE`.execute(
      this.#db,
    )
    return new Map(rows.map((row) => [row.node_id, toNode(row)]))
  }

  async #reserved(attemptIds: readonly AttemptId[]): Promise<Set<AttemptId>> {
    const { rows } = await sql<{ attempt_id: AttemptId }>`
      SELECT attempt_id FROM reservations WHERE attempt_id = ANY (${texts(attemptIds)})`.execute(this.#db)
    return new Set(rows.map((row) => row.attempt_id))
  }
}

/** Those that fit, tried in the order given on what is free of each node. */
function choose(
  items: readonly Reservation[],
  nodes: ReadonlyMap<NodeId, FogNode>,
  taken: Set<AttemptId>,
): Reservation[] {
  const reservedOn = new Map([...nodes].map(([nodeId, node]) => [nodeId, node.reserved]))
  return items.filter(({ attemptId, nodeId, resources }) => {
    const node = nodes.get(nodeId)
    if (!node || node.health !== 'online' || node.duty !== 'active' || taken.has(attemptId)) return false
    const reserved = addResources(reservedOn.get(nodeId)!, resources)
    if (!fits(reserved, node.capacity)) return false
    reservedOn.set(nodeId, reserved)
    taken.add(attemptId)
    return true
  })
}

function sumsByNode(of: 'added' | 'freed' | 'reservations') {
  // A sum of bigint is a numeric, which would come back as money.
  return sql`
    SELECT node_id, sum(cpu)::bigint AS cpu, sum(memory)::bigint AS memory, sum(disk)::bigint AS disk,
      count(*)::integer AS count
    FROM ${sql.table(of)} GROUP BY node_id`
}

/** The same health said again does not begin anew. */
function healthSet(health: Health, at: Instant) {
  const since = sql`CASE WHEN health = ${toText(health)} THEN health_since ELSE ${at}::bigint END`
  return { health, health_since: since }
}

function later(before: Sight | undefined, sight: Sight): Sight {
  if (!before) return sight
  const at = Math.max(before.at, sight.at)
  return { nodeId: sight.nodeId, at, latencyMs: sight.latencyMs ?? before.latencyMs }
}

/** A document, as an expression. */
function json(value: unknown) {
  return sql`${toJson(value)}::json`
}

function toNode(row: NodeRow): FogNode {
  return {
    nodeId: row.node_id,
    ownerId: row.owner_id,
    name: row.name,
    publicKey: row.public_key,
    device: row.device,
    labels: row.labels,
    capacity: { cpuMilli: row.capacity_cpu, memoryBytes: row.capacity_memory, diskBytes: row.capacity_disk },
    reserved: { cpuMilli: row.reserved_cpu, memoryBytes: row.reserved_memory, diskBytes: row.reserved_disk },
    reservations: row.reservations,
    health: row.health,
    healthSince: row.health_since,
    harvest: row.harvest,
    duty: row.duty,
    gatewayId: row.gateway_id ?? undefined,
    reach: row.reach ?? undefined,
    trust: row.trust,
    latencyMs: row.latency_ms ?? undefined,
    enrolledAt: row.enrolled_at,
    lastSeenAt: row.last_seen_at,
  }
}

function toReservation(row: Omit<ReservationRow, 'attempt_id'> & { attempt_id?: AttemptId }): Reservation {
  return {
    attemptId: row.attempt_id!,
    nodeId: row.node_id,
    resources: { cpuMilli: row.cpu, memoryBytes: row.memory, diskBytes: row.disk },
  }
}
