import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { Client } from '@fog/contract'
import { given } from '../../given.ts'
import type { JobStatus } from './job-status.ts'

export interface JobListing {
  readonly status: JobStatus | undefined
  /** Everybody's jobs, for admins. */
  readonly all: boolean
  readonly after: string | undefined
}

const PAGE = 25

export function jobsQuery(client: Client, { status, all, after }: JobListing) {
  return queryOptions({
    queryKey: ['jobs', 'list', { status, all, after }],
    queryFn: async ({ signal }) =>
      client.call('listJobs', { query: { limit: PAGE, ...given({ status, after }), ...(all && { all }) }, signal }),
    placeholderData: keepPreviousData,
  })
}
