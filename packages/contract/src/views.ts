import { type Static, Type } from 'typebox'
import {
  BlobRef,
  Bytes,
  Fuel,
  id,
  Labels,
  Name,
  Privacy,
  Routing,
  Scope,
  strict,
  Tier,
  Timestamp,
  Tokens,
} from './schemas.ts'

/** What the API shows. One shape for a thing, wherever it is shown. */

export const TaskCountsView = strict({
  queued: Type.Integer(),
  running: Type.Integer(),
  done: Type.Integer(),
  failed: Type.Integer(),
  cancelled: Type.Integer(),
})

/** How one step of a job stands. `waiting` of its queued tasks wait for other steps. */
export const StepView = strict({
  name: Type.String(),
  first: Type.Integer({ description: 'Index of its first task within the job' }),
  tasks: Type.Integer(),
  waiting: Type.Integer(),
  counts: TaskCountsView,
  needs: Type.Array(Type.String(), { description: 'Steps it waits for' }),
  program: BlobRef,
})
export type StepView = Static<typeof StepView>

export const JobStatus = Type.Union([
  Type.Literal('queued'),
  Type.Literal('running'),
  Type.Literal('succeeded'),
  Type.Literal('failed'),
  Type.Literal('cancelled'),
])

export const JobView = strict({
  jobId: id('job'),
  name: Type.String(),
  accountId: id('account'),
  status: JobStatus,
  tier: Tier,
  privacy: Privacy,
  routing: Routing,
  tasks: Type.Integer(),
  counts: TaskCountsView,
  program: BlobRef,
  limits: strict({
    cores: Type.Number(),
    memoryBytes: Bytes,
    diskBytes: Bytes,
    wallSeconds: Type.Number(),
    fuel: Fuel,
    outputBytes: Bytes,
  }),
  verification: strict({ quorum: Type.Integer(), spotCheckPercent: Type.Number() }),
  priceCap: Tokens,
  cost: Type.Optional(Tokens),
  credit: Type.Optional(Tokens),
  settled: Type.Boolean(),
  failure: Type.Optional(Type.String()),
  submittedAt: Timestamp,
  deadline: Type.Optional(Timestamp),
  startedAt: Type.Optional(Timestamp),
  finishedAt: Type.Optional(Timestamp),
  steps: Type.Optional(Type.Array(StepView, { description: 'Of a job of several; where one job is asked for' })),
})
export type JobView = Static<typeof JobView>

export const PromiseKind = Type.Union([
  Type.Literal('queue_wait'),
  Type.Literal('restart'),
  Type.Literal('run_stretch'),
])

/** Who ran it, how long, what it used and what it cost. */
export const ReceiptView = strict({
  jobId: id('job'),
  name: Type.String(),
  status: JobStatus,
  submittedAt: Timestamp,
  finishedAt: Type.Optional(Timestamp),
  tasks: Type.Integer(),
  done: Type.Integer(),
  failed: Type.Integer(),
  fuel: Fuel,
  cpuMs: Type.Number(),
  wallMs: Type.Number(),
  held: Tokens,
  cost: Tokens,
  returned: Tokens,
  fee: Tokens,
  unitPrice: Type.String({ description: 'Tokens for 10^9 fuel at this tier' }),
  settled: Type.Boolean(),
  /** What comes back beside the unused part, for promises of the tier that were not kept. */
  credit: Type.Optional(
    strict({
      due: Tokens,
      paid: Tokens,
      owed: Type.String({ description: 'What the treasury could not pay yet' }),
      percent: Type.Number({ description: 'Of the price of each task concerned' }),
      tasks: Type.Integer(),
      broken: Type.Array(PromiseKind),
    }),
  ),
  transferId: Type.Optional(id('transfer')),
  lines: Type.Array(
    strict({
      nodeId: id('node'),
      nodeName: Type.String(),
      ownerId: id('account'),
      tasks: Type.Integer(),
      fuel: Fuel,
      cpuMs: Type.Number(),
      /** Of that fuel, what was burnt up to checkpoints from which others went on to the result. */
      checkpointedFuel: Type.Optional(Fuel),
      paid: Tokens,
    }),
  ),
})
export type ReceiptView = Static<typeof ReceiptView>

const ForeseenSeconds = Type.Optional(
  Type.Number({
    description: 'How long a task is thought to run, by what its program took so far; absent while unknown',
  }),
)

export const WhyView = strict({
  jobId: id('job'),
  status: JobStatus,
  reasons: Type.Array(strict({ code: Type.String(), text: Type.String(), tasks: Type.Integer() })),
  foreseenSeconds: ForeseenSeconds,
})
export type WhyView = Static<typeof WhyView>

export const QuoteView = strict({
  tasks: Type.Integer(),
  perTask: Tokens,
  priceCap: Tokens,
  unitPrice: Type.String(),
  fuelPerTask: Fuel,
  quorum: Type.Integer(),
  available: Tokens,
  affordable: Type.Boolean(),
  refusals: Type.Array(strict({ code: Type.String(), text: Type.String() })),
  foreseenSeconds: ForeseenSeconds,
  deadline: Type.Optional(Timestamp),
  steps: Type.Optional(
    Type.Array(
      strict({
        name: Type.String(),
        tasks: Type.Integer(),
        perTask: Tokens,
        priceCap: Tokens,
        fuelPerTask: Fuel,
        quorum: Type.Integer(),
      }),
    ),
  ),
})
export type QuoteView = Static<typeof QuoteView>

const ResourcesView = strict({ cores: Type.Number(), memoryBytes: Bytes, diskBytes: Bytes })

export const NodeView = strict({
  nodeId: id('node'),
  ownerId: id('account'),
  mine: Type.Boolean(),
  name: Name,
  state: Type.Union([
    Type.Literal('online'),
    Type.Literal('throttled'),
    Type.Literal('suspended'),
    Type.Literal('suspect'),
    Type.Literal('unreachable'),
    Type.Literal('lost'),
    Type.Literal('draining'),
    Type.Literal('quarantined'),
    Type.Literal('retired'),
  ]),
  reasons: Type.Array(Type.String()),
  device: strict({
    os: Type.String(),
    arch: Type.String(),
    cores: Type.Integer(),
    memoryBytes: Bytes,
    cpuModel: Type.Optional(Type.String()),
    kinds: Type.Array(Type.String()),
    agentVersion: Type.String(),
  }),
  labels: Labels,
  capacity: ResourcesView,
  reserved: ResourcesView,
  running: Type.Integer(),
  reach: Type.Optional(
    Type.Union([Type.Literal('direct'), Type.Literal('mixnet')], { description: 'The way it connected by last' }),
  ),
  cpuShare: Type.Integer(),
  trust: Type.Integer(),
  latencyMs: Type.Optional(Type.Number()),
  enrolledAt: Timestamp,
  lastSeenAt: Timestamp,
})
export type NodeView = Static<typeof NodeView>

export const MeView = strict({
  userId: id('user'),
  name: Type.String(),
  role: Type.Union([Type.Literal('admin'), Type.Literal('member')]),
  accountId: id('account'),
  scopes: Type.Array(Scope),
  available: Tokens,
  onHold: Tokens,
})
export type MeView = Static<typeof MeView>

export const UserView = strict({
  userId: id('user'),
  name: Type.String(),
  role: Type.Union([Type.Literal('admin'), Type.Literal('member')]),
  accountId: id('account'),
  status: Type.Union([Type.Literal('active'), Type.Literal('disabled')]),
  lockedUntil: Type.Optional(Timestamp),
  createdAt: Timestamp,
})
export type UserView = Static<typeof UserView>

export const SessionTokens = strict({
  accessToken: Type.String(),
  expiresAt: Timestamp,
  /** Left out where it travels as a cookie. */
  refreshToken: Type.Optional(Type.String()),
})
export type SessionTokens = Static<typeof SessionTokens>

export const SessionView = strict({
  sessionId: id('session'),
  current: Type.Boolean(),
  userAgent: Type.String(),
  createdAt: Timestamp,
  expiresAt: Timestamp,
})
export type SessionView = Static<typeof SessionView>

export const TokenView = strict({
  tokenId: id('token'),
  name: Type.String(),
  scopes: Type.Array(Scope),
  createdAt: Timestamp,
  expiresAt: Type.Optional(Timestamp),
  lastUsedAt: Type.Optional(Timestamp),
  revoked: Type.Boolean(),
})
export type TokenView = Static<typeof TokenView>

export const JoinTokenView = strict({
  joinTokenId: id('joinToken'),
  name: Type.String(),
  usesLeft: Type.Integer(),
  createdAt: Timestamp,
  expiresAt: Timestamp,
  revoked: Type.Boolean(),
})
export type JoinTokenView = Static<typeof JoinTokenView>

export const TransferView = strict({
  transferId: id('transfer'),
  kind: Type.String(),
  reference: Type.String(),
  at: Timestamp,
  /** What it did to the account asked about. */
  amount: Tokens,
  postings: Type.Array(strict({ accountId: id('account'), name: Type.String(), amount: Tokens })),
})
export type TransferView = Static<typeof TransferView>

export const LedgerAuditView = strict({
  sound: Type.Boolean(),
  findings: Type.Array(Type.String()),
  accounts: Type.Integer(),
  transfers: Type.Integer(),
  holdsOpen: Type.Integer(),
  total: Tokens,
  minted: Tokens,
  escrow: Tokens,
})
export type LedgerAuditView = Static<typeof LedgerAuditView>

export const LogChunkView = strict({
  cursor: Type.String(),
  attemptId: id('attempt'),
  sequence: Type.Integer({ minimum: 0, description: 'From 0 in each attempt; a gap means that some was not kept' }),
  stream: Type.Union([Type.Literal('stdout'), Type.Literal('stderr'), Type.Literal('system')]),
  text: Type.String(),
  at: Timestamp,
})
export type LogChunkView = Static<typeof LogChunkView>

export const OverviewView = strict({
  nodes: Type.Record(Type.String(), Type.Integer(), { description: 'How many nodes are in each state' }),
  cores: strict({ capacity: Type.Number(), reserved: Type.Number() }),
  memoryBytes: strict({ capacity: Bytes, reserved: Bytes }),
  jobs: Type.Record(Type.String(), Type.Integer(), {
    description: 'How many of your latest 1,000 jobs are in each state',
  }),
  queue: Type.Array(
    strict({ tier: Tier, queued: Type.Integer(), running: Type.Integer(), oldestQueuedAt: Type.Optional(Timestamp) }),
  ),
  available: Tokens,
  onHold: Tokens,
})
export type OverviewView = Static<typeof OverviewView>

const Milliseconds = Type.Number({ minimum: 0 })

/** What each tier promises, and what came of it in a window of time. What was not measured is absent. */
export const TiersView = strict({
  from: Timestamp,
  to: Timestamp,
  headroomCores: Type.Number({ description: 'Kept for Platinum now, in use or not' }),
  tiers: Type.Array(
    strict({
      tier: Tier,
      promises: strict({
        queueWaitP95Ms: Type.Optional(Milliseconds),
        restartMs: Type.Optional(Milliseconds),
        latencyMs: Type.Optional(Milliseconds),
        runStretch: Type.Number(),
        failureDomains: Type.Integer(),
        preempts: Type.Array(Tier),
        creditPercent: Type.Number(),
      }),
      started: Type.Integer({ description: 'Tasks that began in the window' }),
      queueWait: strict({
        p50Ms: Type.Optional(Milliseconds),
        p95Ms: Type.Optional(Milliseconds),
        p99Ms: Type.Optional(Milliseconds),
      }),
      waitKept: Type.Optional(Type.Boolean({ description: 'Whether 95 of 100 waited no longer than promised' })),
      restarts: strict({
        count: Type.Integer(),
        p95Ms: Type.Optional(Milliseconds),
        maxMs: Type.Optional(Milliseconds),
      }),
      preempted: Type.Integer({ description: 'Attempts that made room for a better tier' }),
      broken: strict({ queueWait: Type.Integer(), restart: Type.Integer(), runStretch: Type.Integer() }),
    }),
  ),
})
export type TiersView = Static<typeof TiersView>

export const EventView = strict({
  cursor: Type.String(),
  type: Type.String(),
  at: Timestamp,
  accountId: Type.Optional(id('account')),
  jobId: Type.Optional(id('job')),
  taskId: Type.Optional(id('task')),
  nodeId: Type.Optional(id('node')),
  data: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
})
export type EventView = Static<typeof EventView>

export const AuditEntryView = strict({
  sequence: Type.Integer(),
  at: Timestamp,
  actor: Type.String(),
  action: Type.String(),
  subject: Type.String(),
  address: Type.String(),
  facts: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
})
export type AuditEntryView = Static<typeof AuditEntryView>
