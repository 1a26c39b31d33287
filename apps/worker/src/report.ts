import {
  type BlobRef,
  MAX_CHANNEL_MESSAGE_BYTES,
  MAX_INLINE_BLOB_BYTES,
  MAX_INLINE_TOTAL_BYTES,
  type ReportMessage,
  WorkerMessage,
} from '@fog/contract'
import { resultPreimage } from '@fog/idle'
import { assertNever, toBase64Url, toHex } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { Compile } from 'typebox/compile'
import type { TaskEnd, TaskEnding } from './executor/pool.ts'
import type { KeptContent } from './outputs.ts'

/** What a task left, each content by its hash. */
export interface TaskResult {
  readonly end: TaskEnd
  readonly stdout: KeptContent
  readonly stderr: KeptContent
  readonly outputs: readonly (KeptContent & { readonly path: string })[]
}

type Unsigned = Omit<ReportMessage, 'signature'>
export type ResultMessage = Extract<WorkerMessage, { type: 'result' }>

/** Room in a message for all but the inline contents; what a report lists beyond this is too much. */
const MOST_REPORT_BYTES = MAX_CHANNEL_MESSAGE_BYTES * 0.9
const MOST_INLINE = 1000

/** What the worker says about a run. A result too long to be told is a failure of its own. */
export function reportOf(result: TaskResult): Unsigned {
  const report = build(result, result.end.ending, result.end.exit)
  if (jsonBytes(report) <= MOST_REPORT_BYTES) return report
  const detail = `it left ${result.outputs.length} files, more than a result can list`
  return build({ ...result, outputs: [] }, { status: 'output_exceeded', detail }, 'output_exceeded:files')
}

/** Which contents travel inside the message, and which must be uploaded before. */
export function packContents(
  report: Unsigned,
  contents: readonly KeptContent[],
): { readonly inline: ResultMessage['inline']; readonly uploads: readonly KeptContent[] } {
  const inline: ResultMessage['inline'] = []
  const uploads: KeptContent[] = []
  const seen = new Set<string>()
  const named = new Set([report.stdout, report.stderr, ...report.outputs].map(({ digest }) => digest))
  let bytes = 0
  let room = MAX_CHANNEL_MESSAGE_BYTES - jsonBytes(report) - ENVELOPE_BYTES
  for (const content of contents) {
    if (seen.has(content.digest) || !named.has(content.digest)) continue
    seen.add(content.digest)
    const encoded = Math.ceil((content.size * 4) / 3) + ENTRY_BYTES
    const fits = bytes + content.size <= MAX_INLINE_TOTAL_BYTES && encoded <= room && inline.length < MOST_INLINE
    if (!content.bytes || content.size > MAX_INLINE_BLOB_BYTES || !fits) {
      uploads.push(content)
      continue
    }
    inline.push({ digest: content.digest, data: toBase64Url(content.bytes) })
    bytes += content.size
    room -= encoded
  }
  return { inline, uploads }
}

const workerMessage = Compile(WorkerMessage)

/** A message that is not would be refused with the whole channel, again after every restart. */
export function isOfContract(message: ResultMessage): boolean {
  return workerMessage.Check(message)
}

/** Type, attempt, fence, signature and the names around them. */
const ENVELOPE_BYTES = 1024
/** The hash of an inline content and the names around it. */
const ENTRY_BYTES = 100

function build(result: TaskResult, ending: TaskEnding, exit: string): Unsigned {
  const { end } = result
  const outputs = result.outputs.map(({ path, digest, size }) => ({ path, digest, size }))
  const exitCode = 'exitCode' in ending ? ending.exitCode : undefined
  const preimage = resultPreimage({
    exit,
    fuelUsed: BigInt(end.fuel),
    stdoutDigest: result.stdout.digest,
    outputs,
  })
  return {
    outcome: outcomeOf(ending),
    ...(exitCode === undefined ? {} : { exitCode }),
    exit,
    digest: toHex(sha256(preimage)),
    fuel: end.fuel,
    cpuMs: rounded(end.cpuMs),
    wallMs: rounded(end.wallMs),
    peakMemoryBytes: end.peakMemoryBytes,
    stdout: refOf(result.stdout),
    stderr: refOf(result.stderr),
    outputs,
  }
}

function outcomeOf(ending: TaskEnding): Unsigned['outcome'] {
  switch (ending.status) {
    case 'exited':
      if (ending.exitCode === 0) return { ok: true }
      return failed('exit_nonzero', `it ended with exit code ${ending.exitCode}`)
    case 'trapped':
      return failed('trapped', ending.detail)
    case 'fuel_exhausted':
      return failed('fuel_exhausted', 'it used all the fuel it was given')
    case 'memory_exceeded':
      return failed('memory_exceeded', 'it needed more memory than it was given')
    case 'output_exceeded':
    case 'not_loadable':
    case 'wall_exceeded':
      return failed(ending.status, ending.detail)
    case 'faulted':
      throw new TypeError('a fault of the executor is no result of a task')
    default:
      return assertNever(ending)
  }
}

function failed(reason: FailureReason, detail: string): Unsigned['outcome'] {
  return { ok: false, failure: { reason, detail: detail.slice(0, 2000) } }
}

type FailureReason = Extract<Unsigned['outcome'], { ok: false }>['failure']['reason']

function refOf({ digest, size }: KeptContent): BlobRef {
  return { digest, size }
}

function rounded(ms: number): number {
  return Math.round(Math.max(0, ms) * 1000) / 1000
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
