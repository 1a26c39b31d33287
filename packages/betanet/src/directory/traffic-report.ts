import * as crypto from '@fog/kernel/node'
import { byteArray, documentForm, integer, maybe, object, oneOf, type Codec, type Value } from '../codec.ts'
import { histogramCodec } from '../delay/index.ts'
import { DROP_REASONS, type DropReason } from '../mix/drops.ts'
import { signedBytes } from './signing.ts'

export const MAX_REPORT_BYTES = 32_768
/** More than any link could bring in a day. */
const MOST = 10_000_000 * 86_400
const MOST_BYTES = Number.MAX_SAFE_INTEGER
const LONGEST_MS = 86_400_000

const count = integer(0, MOST)
// One for each reason, and all are there: the object's shape says what the list says.
const dropsCodec = object(
  Object.fromEntries(DROP_REASONS.map((reason) => [reason, count])) as Record<DropReason, Codec<number>>,
)

const reportCodec = object({
  kind: oneOf('betanet.traffic-report.v1'),
  network: byteArray(32),
  epoch: integer(1),
  /** Of two reports of one epoch the higher counts. */
  revision: integer(0, 1_000_000),
  identityKey: byteArray(32),
  /** How much of the epoch, with its grace, the counts cover. */
  coveredMs: integer(1, LONGEST_MS),
  counts: object({
    received: count,
    forwarded: count,
    delivered: count,
    cover: count,
    bytesIn: integer(0, MOST_BYTES),
    bytesOut: integer(0, MOST_BYTES),
  }),
  drops: dropsCodec,
  loops: object({ sent: count, returned: count, lost: count }),
  /** Of the epoch, once it is over. */
  delays: maybe(histogramCodec),
})

/** What a node counted in one epoch, summed over it: never finer, for whoever sees counts by the second can follow packets. */
export type TrafficReport = Value<typeof reportCodec>

const signedReportCodec = object({ report: reportCodec, signature: byteArray(64) })
export type SignedTrafficReport = Value<typeof signedReportCodec>

const reportForm = documentForm<TrafficReport>('traffic report', reportCodec, MAX_REPORT_BYTES)
export const signedReportForm = documentForm<SignedTrafficReport>('traffic report', signedReportCodec, MAX_REPORT_BYTES)

const LABEL = 'fog betanet traffic report v1'

/** Signs with the secret key of `identityKey`, 64 bytes. */
export function signReport(report: TrafficReport, identitySecretKey: Uint8Array): SignedTrafficReport {
  return { report, signature: crypto.sign(signedBytes(LABEL, reportForm.encode(report)), identitySecretKey) }
}

/** Whether the node of its identity key made it, and its parts agree. Form and bounds were checked when it was parsed. */
export function isGenuineReport({ report, signature }: SignedTrafficReport): boolean {
  const { loops, delays, epoch, identityKey } = report
  const agrees = loops.returned + loops.lost <= loops.sent && (delays === undefined || delays.epoch === epoch)
  return agrees && crypto.verify(signedBytes(LABEL, reportForm.encode(report)), signature, identityKey)
}
