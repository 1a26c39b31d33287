import { STATUS_CODES } from 'node:http'
import type { Problem } from '@fog/contract'
import type { NodeError } from '@fog/fog'
import { type AmountError, FogError, type IdError, isFogError } from '@fog/kernel'
import type { ProgramError } from '@fog/idle'
import type { SchedulerError } from '@fog/scheduler'
import type { LedgerError } from '@fog/tokenomics'
import type { AccessError } from '../access/errors.ts'
import type { BlobError } from '../blobs/blob-error.ts'
import type { DatabaseError } from '../db/database-error.ts'
import type { ContentError } from '../flows/content.ts'
import type { JobError } from '../flows/job-error.ts'
import type { MixnetError } from '../mixnet/mixnet-error.ts'
import type { FeedError } from '../realtime/feed-error.ts'
import type { ScheduleError } from '../schedules/schedule-error.ts'

/** What is wrong with a request itself. */
export class HttpError extends FogError<
  | { code: 'request.invalid'; field: string; wants: string }
  | { code: 'request.malformed'; why: string }
  | { code: 'http.not_found'; what: string }
  | { code: 'http.body_too_large'; maxBytes: number }
  | { code: 'http.media_type'; wants: string }
  | { code: 'http.too_many_requests'; retrySeconds: number }
  | { code: 'http.unavailable' }
  | { code: 'http.internal' }
> {
  static override readonly texts = {
    'request.invalid': { says: 'In the request, "{field}" is not right.', fix: 'It wants {wants}.' },
    'request.malformed': {
      says: 'The request cannot be read: {why}.',
      fix: 'Send what the API describes at /openapi.json.',
    },
    'http.not_found': { says: 'There is no {what} that you may see.', fix: 'Check the address or the id.' },
    'http.body_too_large': {
      says: 'The request is larger than the {maxBytes} bytes allowed here.',
      fix: 'Send less at once; files are uploaded one by one and named by their hash.',
    },
    'http.media_type': { says: 'The content type is not one this address takes.', fix: 'Send {wants}.' },
    'http.too_many_requests': { says: 'Too many requests.', fix: 'Try again in {retrySeconds} seconds.' },
    'http.unavailable': {
      says: 'The control plane cannot answer right now: it is starting, stopping, or has lost its database.',
      fix: 'Try again in a few seconds.',
    },
    'http.internal': {
      says: 'Something went wrong inside the control plane.',
      fix: 'Try again; if it stays, give the request id to the admin, who finds it in the log.',
    },
  }
}

/** Every code that may reach the door. A layer that gains one does not compile until it has a status here. */
type KnownCode =
  | HttpError['code']
  | AccessError['code']
  | AmountError['code']
  | BlobError['code']
  | ContentError['code']
  | DatabaseError['code']
  | FeedError['code']
  | IdError['code']
  | JobError['code']
  | LedgerError['code']
  | MixnetError['code']
  | NodeError['code']
  | ProgramError['code']
  | ScheduleError['code']
  | SchedulerError['code']

export const STATUS_OF: Readonly<Record<KnownCode, number>> = {
  'request.invalid': 400,
  'request.malformed': 400,
  'http.not_found': 404,
  'http.body_too_large': 413,
  'http.media_type': 415,
  'http.too_many_requests': 429,
  'http.unavailable': 503,
  'http.internal': 500,
  'access.login_needed': 401,
  'access.token_invalid': 401,
  'access.token_expired': 401,
  'access.login_refused': 401,
  'access.busy': 503,
  'access.scope_missing': 403,
  'access.scope_not_yours': 403,
  'access.session_needed': 403,
  'access.refresh_refused': 401,
  'access.refresh_reused': 401,
  'access.origin_refused': 403,
  'access.password_wrong': 403,
  'access.name_taken': 409,
  'access.last_admin': 409,
  'access.setup_refused': 403,
  'amount.malformed': 400,
  'blob.too_large': 413,
  'blob.hash_mismatch': 422,
  'blob.not_found': 404,
  'blob.too_large_to_read': 422,
  'blob.needs_mixnet': 403,
  'database.newer_than_code': 503,
  'database.migration_changed': 503,
  'database.migration_failed': 503,
  'database.server_version': 503,
  'database.unreachable': 503,
  'database.outcome_unknown': 503,
  'database.closed': 503,
  'feed.cursor_invalid': 400,
  'feed.too_old': 410,
  'feed.full': 503,
  'id.malformed': 400,
  'job.not_found': 404,
  'job.program_missing': 422,
  'job.input_missing': 422,
  'job.input_repeated': 422,
  'job.over_budget': 422,
  'job.unaffordable': 402,
  'job.too_many_open': 409,
  'job.too_many_tasks': 409,
  'job.too_many_cores': 409,
  'job.day_spent': 409,
  'job.needs_mixnet': 403,
  'job.content_came_directly': 422,
  'job.field_invalid': 422,
  'schedule.cron_invalid': 422,
  'schedule.timezone_unknown': 422,
  'schedule.never_due': 422,
  'schedule.fixed_deadline': 422,
  'schedule.secret': 422,
  'schedule.too_many': 409,
  'schedule.not_found': 404,
  'job.refused': 422,
  'job.over': 409,
  'program.not_a_module': 422,
  'program.malformed': 422,
  'program.invalid': 422,
  'program.feature_not_supported': 422,
  'program.import_not_offered': 422,
  'program.import_mismatch': 422,
  'program.no_start': 422,
  'program.reserved_export': 422,
  'program.too_large': 422,
  'program.memory_over_limit': 422,
  'task.not_found': 404,
  'task.no_result': 409,
  'ledger.account_not_found': 404,
  'ledger.account_reserved': 422,
  'ledger.amount_invalid': 422,
  'ledger.insufficient_funds': 402,
  'ledger.transfer_conflict': 409,
  'ledger.hold_not_found': 404,
  'ledger.hold_conflict': 409,
  'ledger.hold_exceeded': 409,
  'mixnet.off': 404,
  'mixnet.no_consensus': 404,
  'mixnet.descriptor_refused': 422,
  'mixnet.report_refused': 422,
  'mixnet.message_refused': 403,
  'mixnet.busy': 503,
  'mixnet.proof_invalid': 403,
  'mixnet.node_not_found': 404,
  'mixnet.node_taken': 409,
  'mixnet.node_revoked': 409,
  'mixnet.too_many_nodes': 409,
  'mixnet.operator_taken': 409,
  'mixnet.operator_fixed': 409,
  'mixnet.evidence_not_found': 404,
  'mixnet.report_not_found': 404,
  'mixnet.keys_unusable': 503,
  'mixnet.authorities_unusable': 503,
  'node.not_found': 404,
  'node.key_taken': 409,
  'node.key_malformed': 400,
  'node.join_token_invalid': 403,
  'node.join_token_used_up': 403,
  'node.join_token_expired': 403,
  'node.retired': 409,
  'node.signature_invalid': 403,
  'node.name_invalid': 422,
  'node.label_invalid': 422,
}

/** What is answered for a fault. `fault` is the cause to log where it is ours. */
export interface Answer {
  readonly problem: Problem
  readonly fault: unknown
}

/** What the caller reads of what was thrown: nothing of our insides. The route lets `maxBodyBytes` in. */
export function answerFor(thrown: unknown, requestId: string, maxBodyBytes = 0): Answer {
  const error = asFogError(thrown, maxBodyBytes)
  const status = statusOf(error)
  if (status < 500) return { problem: problemOf(error, status, requestId), fault: undefined }
  // Only what was written for the person at the other end is told; the rest stands in the log under the request's id.
  const told = isForCallers(error)
    ? error
    : new HttpError({ code: status === 503 ? 'http.unavailable' : 'http.internal' })
  return { problem: problemOf(told, status, requestId), fault: thrown }
}

/** The status of a code; 500 for one nobody listed. */
export function statusOf(error: FogError): number {
  return (STATUS_OF as Readonly<Record<string, number | undefined>>)[error.code] ?? 500
}

export function problemOf(error: FogError, status: number, requestId: string): Problem {
  const { code, ...facts } = error.facts as { code: string } & Record<string, unknown>
  return {
    type: `urn:fog:error:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail: error.message,
    ...(Object.keys(facts).length > 0 && { facts: plain(facts) }),
    requestId,
  }
}

function isForCallers(error: FogError): boolean {
  return error.code.startsWith('access.') || error.code.startsWith('http.') || error.code.startsWith('feed.')
}

/** Facts as JSON can hold them: amounts are bigint. */
function plain(facts: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(facts, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
}

function asFogError(thrown: unknown, maxBytes: number): FogError {
  if (isFogError(thrown)) return thrown
  return fromFastify(thrown, maxBytes) ?? new HttpError({ code: 'http.internal' }, { cause: thrown })
}

/** What Fastify itself refuses before a handler runs. */
function fromFastify(thrown: unknown, maxBytes: number): HttpError | undefined {
  const { code = '', statusCode = 500, message = '' } = (thrown ?? {}) as Partial<FastifyFault>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new HttpError({ code: 'http.body_too_large', maxBytes })
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new HttpError({ code: 'http.media_type', wants: 'application/json' })
  if (statusCode === 503) return new HttpError({ code: 'http.unavailable' })
  if (statusCode < 400 || statusCode >= 500) return undefined
  const why = message.replace(/\.$/, '').slice(0, 200)
  return new HttpError({ code: 'request.malformed', why: why || 'it is not what HTTP allows' })
}

interface FastifyFault {
  readonly code: string
  readonly statusCode: number
  readonly message: string
}
