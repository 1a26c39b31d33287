import type { Kysely } from 'kysely'
import type {
  AccountId,
  AttemptId,
  GatewayId,
  HoldId,
  JobId,
  JoinTokenId,
  NodeId,
  ScheduleId,
  SessionId,
  TaskId,
  TokenId,
  TransferId,
  UserId,
} from '@fog/kernel'
import type { JobSubmission, Scope } from '@fog/contract'
import type { DeviceFacts, Duty, Harvest, Health, Reach } from '@fog/fog'
import type {
  AttemptStatus,
  Failure,
  InputFile,
  JobStatus,
  OutputFile,
  PromiseKind,
  RunHistory,
  TaskStatus,
} from '@fog/scheduler'
import type { AccountKind, Hold, TransferKind } from '@fog/tokenomics'
import type { KeptFront } from '../front-store.ts'
import type { LogChunk, Role, User } from '../ports.ts'
import type { Schedule, ScheduleRun } from '../schedule-store.ts'

/**
 * Rows as the driver gives them with the parsers of `pg-pool.ts`: `bigint` columns are numbers (instants, bytes, counts),
 * `numeric` columns are `bigint` (money).
 */
export interface Tables {
  nodes: NodeRow
  reservations: ReservationRow
  gateways: { gateway_id: GatewayId; beat_at: number }
  jobs: JobRow
  tasks: TaskRow
  job_steps: JobStepRow
  account_quotas: QuotaRow
  schedules: ScheduleRow
  schedule_runs: ScheduleRunRow
  attempts: AttemptRow
  incidents: IncidentRow
  run_histories: RunHistoryRow
  fronts: { planned_at: number; front: KeptFront }
  accounts: AccountRow
  transfers: TransferRow
  postings: PostingRow
  holds: HoldRow
  users: UserRow
  sessions: SessionRow
  api_tokens: ApiTokenRow
  join_tokens: JoinTokenRow
  audit_entries: AuditRow
  kept_facts: { name: string; value: string }
  blobs: { digest: string; size: number; at: number; content: Uint8Array | null }
  blob_grants: { account_id: AccountId; digest: string; reach: Reach }
  events: EventRow
  log_chunks: LogRow
  checkpoints: CheckpointRow
  state_files: StateFileRow
  state_leftovers: { kept_as: string }
  leadership: { role: string; epoch: number }
}

/** A pool, or the one connection of a transaction. */
export type Db = Kysely<Tables>

export interface NodeRow {
  node_id: NodeId
  owner_id: AccountId
  name: string
  public_key: string
  device: DeviceFacts
  labels: Record<string, string>
  harvest: Harvest
  capacity_cpu: number
  capacity_memory: number
  capacity_disk: number
  reserved_cpu: number
  reserved_memory: number
  reserved_disk: number
  reservations: number
  health: Health
  health_since: number
  duty: Duty
  gateway_id: GatewayId | null
  reach: Reach | null
  trust: number
  latency_ms: number | null
  enrolled_at: number
  last_seen_at: number
}

export interface ReservationRow {
  attempt_id: AttemptId
  node_id: NodeId
  cpu: number
  memory: number
  disk: number
}

export interface JobRow {
  job_id: JobId
  account_id: AccountId
  submitted_by: UserId
  /** A `JobSpec` whose fuel is a text: see `toJson`. */
  spec: unknown
  tasks: number
  queued: number
  running: number
  done: number
  failed: number
  cancelled: number
  status: JobStatus
  hold_id: HoldId
  price_cap: bigint
  task_price_cap: bigint
  units_per_gigafuel: bigint
  fee_basis_points: number | null
  settled: boolean
  cost: bigint | null
  credit: bigint | null
  credit_paid: bigint | null
  failure: string | null
  submitted_at: number
  deadline_at: number | null
  started_at: number | null
  finished_at: number | null
}

export interface JobStepRow {
  job_id: JobId
  step: number
  waiting: number
  queued: number
  running: number
  done: number
  failed: number
  cancelled: number
  inputs: InputFile[]
}

export interface QuotaRow {
  account_id: AccountId
  open_jobs: number | null
  open_tasks: number | null
  cpu_milli: number | null
  cost_per_day: bigint | null
}

export interface ScheduleRow {
  schedule_id: ScheduleId
  account_id: AccountId
  created_by: UserId
  name: string
  cron: string
  timezone: string
  catch_up: Schedule['catchUp']
  overlap: Schedule['overlap']
  submission: JobSubmission
  status: Schedule['status']
  next_at: number | null
  created_at: number
}

export interface ScheduleRunRow {
  schedule_id: ScheduleId
  due_at: number
  at: number
  outcome: ScheduleRun['outcome']
  job_id: JobId | null
  reason: string | null
}

export interface TaskRow {
  task_id: TaskId
  job_id: JobId
  task_index: number
  tier_rank: number
  account_id: AccountId
  priority: number
  item: string
  inputs: InputFile[]
  status: TaskStatus
  quorum: number
  pending: number
  blocked_by: number
  deadline_at: number | null
  attempts: number
  not_before: number
  queued_at: number
  started_at: number | null
  finished_at: number | null
  accepted_attempt_id: AttemptId | null
  failure: Failure | null
}

export interface AttemptRow {
  attempt_id: AttemptId
  task_id: TaskId
  job_id: JobId
  node_id: NodeId
  owner_id: AccountId
  fence: number
  status: AttemptStatus
  leased_at: number
  lease_expires_at: number
  lease_ms: number | null
  yield_by: number | null
  started_at: number | null
  ended_at: number | null
  /** A `Report` whose fuel is a text: see `toJson`. */
  report: unknown
  /** A `Resumed` and a `CheckpointMark` whose fuel is a text. */
  resumed_from: unknown
  checkpoint: unknown
  note: string | null
  gateway_id: GatewayId | null
}

export interface RunHistoryRow {
  key: string
  runs: RunHistory['runs']
  speed: number
  learned_at: number
}

export interface IncidentRow {
  task_id: TaskId
  kind: PromiseKind
  fence: number
  job_id: JobId
  tier_rank: number
  at: number
  measured: number
  bound: number | null
  broken: boolean
}

export interface CheckpointRow {
  attempt_id: AttemptId
  task_id: TaskId
  fence: number
  sequence: number
  files: OutputFile[]
  bytes: number
  /** `CheckpointedWork`s whose fuel is a text. */
  work: unknown
  signature: string
  at: number
}

export interface StateFileRow {
  attempt_id: AttemptId
  digest: string
  task_id: TaskId
  size: number
  named: boolean
  at: number
  content: Uint8Array | null
  kept_as: string | null
}

export interface AccountRow {
  account_id: AccountId
  kind: AccountKind
  name: string
  balance: bigint
  opened_at: number
}

export interface TransferRow {
  transfer_id: TransferId
  sequence: number
  kind: TransferKind
  reference: string
  at: number
}

export interface PostingRow {
  sequence: number
  place: number
  account_id: AccountId
  amount: bigint
}

export interface HoldRow {
  hold_id: HoldId
  account_id: AccountId
  amount: bigint
  reference: string
  status: Hold['status']
  opened_at: number
  closed_at: number | null
  spent: bigint
}

export interface UserRow {
  user_id: UserId
  name: string
  role: Role
  account_id: AccountId
  password_hash: string
  status: User['status']
  failed_logins: number
  locked_until: number | null
  created_at: number
}

export interface SessionRow {
  session_id: SessionId
  user_id: UserId
  refresh_hash: string
  used_hashes: string[]
  created_at: number
  expires_at: number
  ended_at: number | null
  user_agent: string
}

export interface ApiTokenRow {
  token_id: TokenId
  user_id: UserId
  name: string
  hash: string
  scopes: Scope[]
  created_at: number
  expires_at: number | null
  revoked_at: number | null
  last_used_at: number | null
}

export interface JoinTokenRow {
  join_token_id: JoinTokenId
  user_id: UserId
  account_id: AccountId
  name: string
  hash: string
  uses_left: number
  created_at: number
  expires_at: number
  revoked_at: number | null
}

export interface AuditRow {
  sequence: number
  at: number
  actor: string
  action: string
  subject: string
  address: string
  facts: Record<string, string | number | boolean>
}

export interface EventRow {
  xid: number
  sequence: number
  type: string
  at: number
  account_id: AccountId | null
  job_id: JobId | null
  task_id: TaskId | null
  node_id: NodeId | null
  data: Record<string, string | number | boolean>
}

export interface LogRow {
  task_id: TaskId
  attempt_id: AttemptId
  sequence: number
  stream: LogChunk['stream']
  text: string
  at: number
}
