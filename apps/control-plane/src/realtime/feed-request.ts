import type { Reach } from '@fog/fog'
import { type JobId, parseId } from '@fog/kernel'
import { SchedulerError } from '@fog/scheduler'
import { seesAll } from '../access/caller.ts'
import type { KnownCaller } from '../access/known-caller.ts'
import { may } from '../access/scopes.ts'
import type { Door } from '../http/door.ts'
import { AccessError } from '../access/errors.ts'
import { refuseInTheOpen } from '../flows/secrecy.ts'
import type { Platform } from '../platform.ts'
import type { FeedProof, FeedView } from './feed.ts'

/** Opening the feed, like any route: this often a minute, with this right. */
const EVENTS_ROUTE = { access: 'jobs:read', perMinute: 120 } as const

/** Who follows the feed, by a bearer token. Throws as the door does. */
export async function letReaderIn(door: Door, token: string, address: string): Promise<KnownCaller> {
  const { caller } = await door.letIn({
    name: 'events',
    route: EVENTS_ROUTE,
    authorization: `Bearer ${token}`,
    address,
  })
  if (!caller) throw new AccessError({ code: 'access.login_needed' })
  return caller
}

export function viewOf(caller: KnownCaller, reach: Reach): FeedView {
  return { accountId: caller.accountId, all: seesAll(caller), nodes: may(caller.scopes, 'nodes:read'), reach }
}

/** Asks again, with the same token, whether the person may still read. */
export function proofOf(door: Door, caller: KnownCaller, token: string, address: string): FeedProof {
  const stillGood = () =>
    door.know(token, address, 'person').then(
      (known) => known.caller !== undefined && may(known.caller.scopes, EVENTS_ROUTE.access),
      (fault: unknown) => {
        if (fault instanceof AccessError) return false
        throw fault
      },
    )
  return { provenUntil: caller.provenUntil, stillGood }
}

/** The job to follow, if one is named. Throws `job.not_found` for another's, and `job.needs_mixnet` for a secret one asked for directly. */
export async function jobToFollow(
  { database }: Platform,
  { caller, reach }: { readonly caller: KnownCaller; readonly reach: Reach },
  text: string | undefined,
): Promise<JobId | undefined> {
  if (text === undefined) return undefined
  const jobId = parseId('job', text)
  const job = await database.read.jobs.findJob(jobId)
  if (!job || (job.accountId !== caller.accountId && !seesAll(caller))) {
    throw new SchedulerError({ code: 'job.not_found', jobId })
  }
  refuseInTheOpen(job.spec, reach)
  return jobId
}
