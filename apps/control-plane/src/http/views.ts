import type {
  AttemptView,
  AuditEntryView,
  JobView,
  JoinTokenView,
  LedgerAuditView,
  LogChunkView,
  NodeView,
  SessionTokens,
  SessionView,
  TaskResultView,
  TaskView,
  TokenView,
  TransferView,
  UserView,
} from '@fog/contract'
import { type FogNode, type Resources, stateOf } from '@fog/fog'
import { type AccountId, formatTokens, type Instant, toRfc3339 } from '@fog/kernel'
import {
  type Attempt,
  type CheckpointMark,
  failureSentence,
  fuelOf,
  type Job,
  type JobSpec,
  type JobStep,
  type Report,
  type Task,
} from '@fog/scheduler'
import type { LedgerAudit, Transfer } from '@fog/tokenomics'
import { isLocked } from '../access/lockout.ts'
import type { IssuedSession } from '../access/sessions.ts'
import type { ApiToken, AuditEntry, JoinToken, LogChunk, Session, User } from '../ports.ts'
import { present } from './present.ts'
import { stepView, taskStepView } from './step-views.ts'

/** How the platform's things look from outside. Pure: whoever calls brings all that is shown. */

/** `steps` where they shall be shown too. */
export function jobView(job: Job, steps: readonly JobStep[] = []): JobView {
  const { spec, counts, failure, cost, credit, startedAt, finishedAt } = job
  const { limits, verification } = spec
  return {
    jobId: job.jobId,
    name: spec.name,
    accountId: job.accountId,
    status: job.status,
    tier: spec.tier,
    privacy: spec.privacy,
    routing: spec.routing,
    tasks: job.tasks,
    counts,
    program: spec.program,
    limits: {
      cores: limits.cpuMilli / 1000,
      memoryBytes: limits.memoryBytes,
      diskBytes: limits.diskBytes,
      wallSeconds: limits.wallMs / 1000,
      fuel: String(limits.fuel),
      outputBytes: limits.outputBytes,
    },
    verification: { quorum: verification.quorum, spotCheckPercent: verification.spotCheckBasisPoints / 100 },
    priceCap: formatTokens(job.priceCap),
    settled: job.settled,
    submittedAt: toRfc3339(job.submittedAt),
    ...present({
      cost: cost === undefined ? undefined : formatTokens(cost),
      credit: credit === undefined ? undefined : formatTokens(credit),
      failure,
      deadline: timeOf(job.deadlineAt),
      startedAt: timeOf(startedAt),
      finishedAt: timeOf(finishedAt),
      steps: steps.length === 0 ? undefined : steps.map((step) => stepView(spec, step)),
    }),
  }
}

/** Where a task runs or ran. */
export interface Place {
  readonly nodeId: string
  readonly nodeName: string | undefined
  readonly attempt: Attempt
}

export function taskView(task: Task, place: Place | undefined, spec: JobSpec): TaskView {
  const { failure, startedAt, finishedAt } = task
  return {
    taskId: task.taskId,
    jobId: task.jobId,
    index: task.index,
    item: task.item,
    status: task.status,
    attempts: task.attempts,
    queuedAt: toRfc3339(task.queuedAt),
    ...present({
      step: taskStepView(spec, task),
      waitsFor: task.blockedBy,
      nodeId: place?.nodeId,
      nodeName: place?.nodeName,
      resumedFrom: place && startView(place.attempt),
      checkpoint: place && checkpointView(place.attempt.checkpoint),
      startedAt: timeOf(startedAt),
      finishedAt: timeOf(finishedAt),
      failure: failure && { ...failure, sentence: failureSentence(failure) },
    }),
  }
}

export function attemptView(attempt: Attempt, task: Task, nodeName: string): AttemptView {
  const { report, startedAt, endedAt, note } = attempt
  return {
    attemptId: attempt.attemptId,
    taskId: attempt.taskId,
    nodeId: attempt.nodeId,
    nodeName,
    fence: attempt.fence,
    status: attempt.status,
    accepted: task.acceptedAttemptId === attempt.attemptId,
    leasedAt: toRfc3339(attempt.leasedAt),
    ...present({
      startedAt: timeOf(startedAt),
      endedAt: timeOf(endedAt),
      fuel: report && String(report.fuel),
      cpuMs: report?.cpuMs,
      wallMs: report?.wallMs,
      peakMemoryBytes: report?.peakMemoryBytes,
      exitCode: report?.exitCode,
      digest: report?.digest,
      signature: report?.signature,
      note,
      resumedFrom: resumedView(attempt),
      checkpoint: checkpointView(attempt.checkpoint),
    }),
  }
}

function resumedView(attempt: Attempt): AttemptView['resumedFrom'] {
  const start = startView(attempt)
  return start && { ...start, attemptId: attempt.resumedFrom!.attemptId }
}

function startView({ resumedFrom: from }: Attempt): TaskView['resumedFrom'] {
  return from && { at: toRfc3339(from.at), bytes: from.bytes, fuel: String(fuelOf(from.work)) }
}

function checkpointView(mark: CheckpointMark | undefined): AttemptView['checkpoint'] {
  return mark && { at: toRfc3339(mark.at), bytes: mark.bytes, fuel: String(mark.fuel) }
}

export function resultView(task: Task, report: Report, spec: JobSpec): TaskResultView {
  const { taskId, index, item } = task
  return { taskId, index, item, ...present({ step: taskStepView(spec, task) }), ...outcomeView(report) }
}

export function outcomeView({ exitCode, stdout, stderr, outputs }: Report) {
  return {
    ...present({ exitCode }),
    stdout,
    stderr,
    outputs: outputs.map(({ path, digest, size }) => ({ path, digest, size })),
  }
}

export function nodeView(node: FogNode, viewer: AccountId): NodeView {
  const { device, harvest, latencyMs } = node
  return {
    nodeId: node.nodeId,
    ownerId: node.ownerId,
    mine: node.ownerId === viewer,
    name: node.name,
    state: stateOf(node),
    reasons: reasonsOf(node),
    device: {
      os: device.os,
      arch: device.arch,
      cores: device.cores,
      memoryBytes: device.memoryBytes,
      kinds: [...device.kinds],
      agentVersion: device.agentVersion,
      ...present({ cpuModel: device.cpuModel }),
    },
    labels: { ...node.labels },
    capacity: resourcesView(node.capacity),
    reserved: resourcesView(node.reserved),
    running: node.reservations,
    cpuShare: Math.round(harvest.cpuShare),
    trust: node.trust,
    enrolledAt: toRfc3339(node.enrolledAt),
    lastSeenAt: toRfc3339(node.lastSeenAt),
    ...present({ latencyMs, reach: node.reach }),
  }
}

export function transferView(
  transfer: Transfer,
  accountId: AccountId,
  names: ReadonlyMap<AccountId, string>,
): TransferView {
  const own = transfer.postings.find((posting) => posting.accountId === accountId)
  return {
    transferId: transfer.transferId,
    kind: transfer.kind,
    reference: transfer.reference,
    at: toRfc3339(transfer.at),
    amount: formatTokens(own?.amount ?? 0n),
    postings: transfer.postings.map((posting) => ({
      accountId: posting.accountId,
      name: names.get(posting.accountId) ?? 'unknown',
      amount: formatTokens(posting.amount),
    })),
  }
}

export function ledgerAuditView({ broken, sums }: LedgerAudit): LedgerAuditView {
  return {
    sound: broken.length === 0,
    findings: broken.map(({ says }) => says),
    accounts: sums.accounts,
    transfers: sums.transfers,
    holdsOpen: sums.holdsOpen,
    total: formatTokens(sums.total),
    minted: formatTokens(sums.minted),
    escrow: formatTokens(sums.escrowBalance),
  }
}

export function userView(user: User, now: Instant): UserView {
  return {
    userId: user.userId,
    name: user.name,
    role: user.role,
    accountId: user.accountId,
    status: user.status,
    createdAt: toRfc3339(user.createdAt),
    ...present({ lockedUntil: isLocked(user, now) ? timeOf(user.lockedUntil) : undefined }),
  }
}

/** The refresh token only where it does not travel as a cookie. */
export function sessionTokens(
  { accessToken, expiresAt, refreshToken }: IssuedSession,
  keep: 'cookie' | 'body',
): SessionTokens {
  return { accessToken, expiresAt: toRfc3339(expiresAt), ...(keep === 'body' && { refreshToken }) }
}

export function sessionView(session: Session, current: string | undefined): SessionView {
  return {
    sessionId: session.sessionId,
    current: session.sessionId === current,
    userAgent: session.userAgent,
    createdAt: toRfc3339(session.createdAt),
    expiresAt: toRfc3339(session.expiresAt),
  }
}

export function tokenView(token: ApiToken): TokenView {
  return {
    tokenId: token.tokenId,
    name: token.name,
    scopes: [...token.scopes],
    createdAt: toRfc3339(token.createdAt),
    revoked: token.revokedAt !== undefined,
    ...present({ expiresAt: timeOf(token.expiresAt), lastUsedAt: timeOf(token.lastUsedAt) }),
  }
}

export function joinTokenView(token: JoinToken): JoinTokenView {
  return {
    joinTokenId: token.joinTokenId,
    name: token.name,
    usesLeft: token.usesLeft,
    createdAt: toRfc3339(token.createdAt),
    expiresAt: toRfc3339(token.expiresAt),
    revoked: token.revokedAt !== undefined,
  }
}

export function logChunkView({
  cursor,
  attemptId,
  sequence,
  stream,
  text,
  at,
}: LogChunk & { readonly cursor: string }): LogChunkView {
  return { cursor, attemptId, sequence, stream, text, at: toRfc3339(at) }
}

export function auditEntryView(entry: AuditEntry & { readonly sequence: number }): AuditEntryView {
  const { sequence, at, actor, action, subject, address, facts } = entry
  return { sequence, at: toRfc3339(at), actor, action, subject, address, facts: { ...facts } }
}

function resourcesView({ cpuMilli, memoryBytes, diskBytes }: Resources) {
  return { cores: cpuMilli / 1000, memoryBytes, diskBytes }
}

/** Why the node is in the state it shows. */
function reasonsOf({ duty, health, healthSince, harvest }: FogNode): string[] {
  const reasons = [...harvest.reasons]
  if (health !== 'online') reasons.unshift(`${health} since ${toRfc3339(healthSince)}: it was not heard of`)
  if (duty !== 'active') reasons.unshift(`${duty} by its operator`)
  return reasons
}

function timeOf(at: Instant | undefined): string | undefined {
  return at === undefined ? undefined : toRfc3339(at)
}
