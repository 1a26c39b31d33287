import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { Client, JobSubmission } from '@fog/contract'

/** What the job would cost. Kept by the text of the submission, which `useSettled` keeps from changing at each key. */
export function quoteQuery(client: Client, submission: JobSubmission | undefined) {
  return queryOptions({
    queryKey: ['quote', submission],
    queryFn: async ({ signal }) => client.call('quote', { body: submission!, signal }),
    enabled: submission !== undefined,
    placeholderData: keepPreviousData,
    retry: false,
  })
}
