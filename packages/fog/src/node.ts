import type { AccountId, AttemptId, GatewayId, Instant, NodeId } from '@fog/kernel'

/** What a task takes of a node, and what a node has. */
export interface Resources {
  /** Thousandths of a core. */
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly diskBytes: number
}

/** How a node's heartbeats look. Only changes are persisted. */
export type Health = 'online' | 'suspect' | 'unreachable' | 'lost'

/** What the lender's policy allows right now. */
export type HarvestMode = 'run' | 'throttle' | 'suspend' | 'evict' | 'off'

/** The way a node is connected by: an ordinary connection, which shows where it is, or the mixnet. */
export type Reach = 'direct' | 'mixnet'

/** What the operator wants of a node. */
export type Duty = 'active' | 'draining' | 'quarantined' | 'retired'

/** The one word shown for a node, from its three sides. */
export type NodeState =
  | 'online'
  | 'throttled'
  | 'suspended'
  | 'suspect'
  | 'unreachable'
  | 'lost'
  | 'draining'
  | 'quarantined'
  | 'retired'

/** Facts a device states of itself at enrolment and at each start. Unknown is undefined. */
export interface DeviceFacts {
  readonly os: string
  readonly arch: string
  readonly cores: number
  readonly memoryBytes: number
  readonly cpuModel?: string | undefined
  /** Task kinds it can run, such as `wasm`. */
  readonly kinds: readonly string[]
  readonly agentVersion: string
}

export interface Harvest {
  readonly mode: HarvestMode
  /** Sentences a person reads: why the node is in this mode. */
  readonly reasons: readonly string[]
  /** Share of each core that tasks may use, 0 to 100. */
  readonly cpuShare: number
  /** At most this many tasks at once; 0 takes no new ones. */
  readonly maxTasks: number
}

export interface FogNode {
  readonly nodeId: NodeId
  readonly ownerId: AccountId
  readonly name: string
  /** Ed25519, hex. */
  readonly publicKey: string
  readonly device: DeviceFacts
  /** `region`, `domain` (failure domain), `residency` and whatever the lender adds. */
  readonly labels: Readonly<Record<string, string>>
  readonly capacity: Resources
  /** Sum of the live reservations; never above capacity. */
  readonly reserved: Resources
  /** How many reservations are live. */
  readonly reservations: number
  readonly health: Health
  readonly healthSince: Instant
  readonly harvest: Harvest
  readonly duty: Duty
  /** The gateway that holds the node's channel, while it is connected. */
  readonly gatewayId?: GatewayId | undefined
  /** The way it connected by last; absent until it did. Work that has to stay hidden goes by this alone. */
  readonly reach?: Reach | undefined
  /** 0 to 1000; moves with agreeing and disagreeing results. */
  readonly trust: number
  /** Round trip of the channel as last measured. */
  readonly latencyMs?: number | undefined
  readonly enrolledAt: Instant
  readonly lastSeenAt: Instant
}

export interface Reservation {
  readonly attemptId: AttemptId
  readonly nodeId: NodeId
  readonly resources: Resources
}
