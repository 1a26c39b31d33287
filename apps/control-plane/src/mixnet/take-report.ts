import {
  type DirectoryRules,
  isGenuineReport,
  signedReportForm,
  type SignedTrafficReport,
  startOf,
  type TrafficReport,
} from '@fog/betanet/directory'
import { equalBytes, type Instant, isFogError, toHex } from '@fog/kernel'
import type { Platform } from '../platform.ts'
import type { DurableDirectory } from './durable-directory.ts'
import { MixnetError } from './mixnet-error.ts'
import type { MixReport } from './stores.ts'

/** Epochs that may still be reported after they are over. */
const LATE_EPOCHS = 2
/** More than any node forwards: what is said beyond is a mistake or a lie. */
const MOST_PER_MS = 10_000

export interface ReportGround {
  readonly rules: DirectoryRules
  readonly name: string
  readonly directory: DurableDirectory
}

/** Keeps a node's report of an epoch it was in. Throws `mixnet.report_refused`. */
export async function takeReport(
  { database, clock }: Platform,
  { rules, name, directory }: ReportGround,
  bytes: Uint8Array,
): Promise<{ readonly epoch: number; readonly isNew: boolean }> {
  const signed = parse(bytes)
  const { report } = signed
  const now = clock.now()
  if (!equalBytes(report.network, rules.network)) throw refused('wrong_network', toHex(report.network))
  checkTime(rules, report, now)
  if (!isGenuineReport(signed)) throw refused('not_genuine', 'its signature, or counts that do not add up')
  const consensus = (await directory.readConsensus(report.epoch))?.consensus
  const isIn = consensus?.nodes.some(({ signed: { descriptor } }) =>
    equalBytes(descriptor.identityKey, report.identityKey),
  )
  if (!isIn) throw refused('not_listed', `the node is not in the consensus of epoch ${report.epoch}`)
  const outcome = await database.transact((tx) => tx.mixnet.putReport(name, toMixReport(report, bytes, now)))
  if (outcome === 'superseded') throw refused('superseded', `by one of revision ${report.revision} or higher`)
  return { epoch: report.epoch, isNew: outcome !== 'known' }
}

function checkTime({ schedule }: DirectoryRules, { epoch, coveredMs, counts }: TrafficReport, now: Instant): void {
  const began = startOf(schedule, epoch)
  const lastAt = startOf(schedule, epoch + 1 + LATE_EPOCHS)
  if (now < began || now >= lastAt) throw refused('wrong_epoch', `${epoch} is not running, nor was it lately`)
  // An epoch and its grace: packets sent before its end are still taken a while.
  if (coveredMs > 2 * schedule.epochMs) throw refused('implausible', `it covers ${coveredMs} ms of an epoch`)
  const most = coveredMs * MOST_PER_MS
  const count = Math.max(counts.received, counts.forwarded, counts.delivered, counts.cover)
  if (count > most) throw refused('implausible', `${count} packets in ${coveredMs} ms`)
}

function toMixReport(report: TrafficReport, bytes: Uint8Array, at: Instant): MixReport {
  const { epoch, identityKey, revision, coveredMs, counts, drops, loops } = report
  return {
    epoch,
    identityKey: toHex(identityKey),
    revision,
    coveredMs,
    at,
    bytes,
    ...counts,
    dropped: Object.values(drops).reduce((sum, count) => sum + count, 0),
    loopsSent: loops.sent,
    loopsReturned: loops.returned,
    loopsLost: loops.lost,
  }
}

function parse(bytes: Uint8Array): SignedTrafficReport {
  try {
    return signedReportForm.parse(bytes)
  } catch (fault) {
    if (!isFogError(fault)) throw fault
    throw refused('malformed', fault.message.replace(/\.( .*)?$/, ''))
  }
}

function refused(reason: string, detail: string): MixnetError {
  return new MixnetError({ code: 'mixnet.report_refused', reason, detail })
}
