import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { Client } from '@fog/contract'
import { given } from '../../given.ts'

const PAGE = 50

export function schedulesQuery(client: Client, { all, after }: { all: boolean; after: string | undefined }) {
  return queryOptions({
    queryKey: ['schedules', 'list', { all, after }],
    queryFn: async ({ signal }) =>
      client.call('listSchedules', { query: { limit: PAGE, ...given({ after }), ...(all && { all }) }, signal }),
    placeholderData: keepPreviousData,
  })
}

export function scheduleQuery(client: Client, scheduleId: string) {
  return queryOptions({
    queryKey: ['schedules', scheduleId],
    queryFn: async ({ signal }) => client.call('getSchedule', { params: { scheduleId }, signal }),
  })
}
