import type { JobSubmission, QuoteView } from '@fog/contract'
import type { Reach } from '@fog/fog'
import { type AccountId, amount, type Amount, formatTokens, toRfc3339 } from '@fog/kernel'
import { TIER_TERMS } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { foreseenSeconds } from './foresee-run.ts'
import { type PreparedPart, prepareSubmission } from './prepare-job.ts'
import { daySince, effectiveQuota, quotaFaults } from './quota.ts'
import { refuseInTheOpen } from './secrecy.ts'
import { overBudget, unaffordable } from './submit-job.ts'

/** What a job would cost at most, and what would keep it from being taken. Holds nothing and changes nothing. */
export async function quoteJob(
  platform: Platform,
  accountId: AccountId,
  submission: JobSubmission,
  reach: Reach = 'direct',
): Promise<QuoteView> {
  refuseInTheOpen(submission, reach)
  const { config, clock, database } = platform
  const prepared = await prepareSubmission(platform, accountId, submission, reach)
  const { spec, tasks, parts, deadlineAt } = prepared
  const priced = parts.map((part) => ({ part, quorum: dearestQuorum(part), cap: capOf(part) }))
  const cap = amount(priced.reduce((sum, each) => sum + each.cap, 0n))
  const available = (await database.read.ledger.findAccount(accountId))?.balance ?? amount(0n)
  const quota = effectiveQuota(await database.read.quotas.find(accountId), config.limits)
  const usage = await database.read.jobs.usageOf(accountId, daySince(quota, clock.now()))
  const adds = { tasks: tasks.length, cpuMilli: spec.limits.cpuMilli, priceCap: cap }
  const faults = [
    ...quotaFaults(quota, usage, adds),
    overBudget(cap, prepared.budget),
    cap > available ? unaffordable(cap, available) : undefined,
  ]
  const reasons: QuoteView['refusals'] = prepared.refusals.map(({ code, sentence }) => ({ code, text: sentence }))
  for (const fault of faults) if (fault) reasons.push({ code: fault.code, text: fault.message })
  const { priceMilli } = TIER_TERMS[spec.tier]
  const dearest = priced.reduce((most, each) => (perTask(each) > perTask(most) ? each : most))
  return {
    tasks: tasks.length,
    perTask: formatTokens(perTask(dearest)),
    priceCap: formatTokens(cap),
    unitPrice: formatTokens((config.prices.unitsPerGigafuel * BigInt(priceMilli)) / 1000n),
    fuelPerTask: String(spec.limits.fuel),
    quorum: dearest.quorum,
    available: formatTokens(available),
    affordable: cap <= available,
    refusals: reasons,
    ...(await foreseenSeconds(platform, { spec, accountId })),
    ...(deadlineAt !== undefined && { deadline: toRfc3339(deadlineAt) }),
    ...(spec.steps && {
      steps: priced.map((each) => ({
        name: each.part.name,
        tasks: each.part.tasks,
        perTask: formatTokens(perTask(each)),
        priceCap: formatTokens(each.cap),
        fuelPerTask: String(each.part.spec.limits.fuel),
        quorum: each.quorum,
      })),
    }),
  }
}

/** Which single results are checked is drawn at submission, so the quote holds for the dearest draw. */
function dearestQuorum({ spec: { verification }, owners }: PreparedPart): number {
  const mayBeChecked = verification.spotCheckBasisPoints > 0 && owners > 1
  return Math.max(verification.quorum, mayBeChecked ? 2 : 1)
}

function capOf(part: PreparedPart): Amount {
  return amount(part.perResult * BigInt(dearestQuorum(part)) * BigInt(part.tasks))
}

function perTask({ part, quorum }: { readonly part: PreparedPart; readonly quorum: number }): Amount {
  return amount(part.perResult * BigInt(quorum))
}
