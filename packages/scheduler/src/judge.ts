import type { AttemptId, NodeId } from '@fog/kernel'
import type { Attempt, Failure, Report } from './task.ts'

/** An attempt with its report. */
export type ReportedAttempt = Attempt & { readonly report: Report }

export interface JudgeRules {
  /** Results that must agree, from as many owners. */
  readonly quorum: number
  /** After a disagreement, at most so many results beyond the quorum are asked for. */
  readonly extraReplicas: number
  /** Whether a node has earned that its word counts against the program rather than against itself. */
  isTrusted(nodeId: NodeId): boolean
}

/** How a task ended by its reports. Whom trust and pay follow: nobody is named unless a quorum stands against them. */
export type Verdict =
  | { readonly kind: 'done'; readonly agreed: readonly AttemptId[]; readonly dissent: readonly AttemptId[] }
  | {
      readonly kind: 'failed'
      readonly failure: Failure
      readonly agreed: readonly AttemptId[]
      readonly dissent: readonly AttemptId[]
    }
  | {
      readonly kind: 'no_agreement' | 'nondeterministic'
      readonly failure: Failure
      readonly agreed: readonly []
      readonly dissent: readonly []
    }

/** Either so many more results are needed, those on their way included, or it is over. */
export type Judgement = { readonly kind: 'wait'; readonly more: number } | Verdict

/** Trusted results that differ from the largest group before the program, not a node, is held to vary. */
const TRUSTED_DISAGREEMENTS = 2

/**
 * Weighs the reports of one task. Each owner has one voice, the earliest by fence, so that nobody agrees with himself.
 * The order in which reports came does not matter.
 */
export function judge(reports: readonly ReportedAttempt[], rules: JudgeRules): Judgement {
  const groups = groupByAnswer(voices(reports))
  const largest = groups[0] ?? []
  if (largest.length >= rules.quorum) return agree(largest, groups.slice(1).flat())
  const heard = groups.reduce((sum, group) => sum + group.length, 0)
  const more = rules.quorum - largest.length
  if (heard + more <= rules.quorum + rules.extraReplicas) return { kind: 'wait', more }
  return disagree(groups, heard, rules)
}

export function isReported(attempt: Attempt): attempt is ReportedAttempt {
  return attempt.status === 'reported' && attempt.report !== undefined
}

/** The first report of each owner and node, by fence. */
export function voices(reports: readonly ReportedAttempt[]): ReportedAttempt[] {
  const heard = new Set<string>()
  return reports
    .toSorted((a, b) => a.fence - b.fence)
    .filter(({ ownerId, nodeId }) => {
      if (heard.has(ownerId) || heard.has(nodeId)) return false
      heard.add(ownerId).add(nodeId)
      return true
    })
}

/**
 * What two reports must share to agree. Results agree by their digest. Failures agree by their reason and exit code,
 * as engines word a trap differently and a wall-clock limit cuts each run at another place.
 */
export function answerOf({ outcome, digest, exitCode }: Report): string {
  return outcome.ok ? `ok ${digest}` : `${outcome.failure.reason} ${exitCode ?? ''}`
}

/** Largest group first, then the one with the earliest fence. */
function groupByAnswer(reports: readonly ReportedAttempt[]): ReportedAttempt[][] {
  const groups = Map.groupBy(reports, ({ report }) => answerOf(report))
  return [...groups.values()].sort((a, b) => b.length - a.length || a[0]!.fence - b[0]!.fence)
}

function agree(agreeing: readonly ReportedAttempt[], others: readonly ReportedAttempt[]): Verdict {
  const { outcome } = agreeing[0]!.report
  const agreed = idsOf(agreeing)
  const dissent = idsOf(others.filter(isContradiction))
  if (outcome.ok) return { kind: 'done', agreed, dissent }
  return { kind: 'failed', failure: outcome.failure, agreed, dissent }
}

/** A slow node runs into the wall-clock limit where a fast one does not: that is no false result. */
function isContradiction({ report: { outcome } }: ReportedAttempt): boolean {
  return outcome.ok || outcome.failure.reason !== 'wall_exceeded'
}

function disagree(groups: readonly ReportedAttempt[][], heard: number, rules: JudgeRules): Verdict {
  const answers = groups.length
  const kind = trustedDisagreements(groups, rules) >= TRUSTED_DISAGREEMENTS ? 'nondeterministic' : 'no_agreement'
  const detail =
    kind === 'nondeterministic'
      ? `${heard} nodes gave ${answers} different results, trusted ones among them: the program is not deterministic`
      : `${heard} nodes gave ${answers} different results, and ${rules.quorum} had to agree`
  return { kind, failure: { reason: 'no_agreement', detail }, agreed: [], dissent: [] }
}

/** How many trusted results stand beside the largest group of trusted ones. */
function trustedDisagreements(groups: readonly ReportedAttempt[][], rules: JudgeRules): number {
  const sizes = groups.map((group) => group.filter(({ nodeId }) => rules.isTrusted(nodeId)).length)
  return sizes.reduce((sum, size) => sum + size, 0) - Math.max(0, ...sizes)
}

function idsOf(attempts: readonly Attempt[]): AttemptId[] {
  return attempts.map(({ attemptId }) => attemptId)
}
