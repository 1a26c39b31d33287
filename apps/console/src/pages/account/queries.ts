import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { Client } from '@fog/contract'
import { given } from '../../given.ts'

const PAGE = 25

export function transfersQuery(client: Client, after: string | undefined) {
  return queryOptions({
    queryKey: ['transfers', { after }],
    queryFn: async ({ signal }) =>
      client.call('listTransfers', { query: { limit: PAGE, ...given({ after }) }, signal }),
    placeholderData: keepPreviousData,
  })
}

export function tokensQuery(client: Client) {
  return queryOptions({ queryKey: ['tokens'], queryFn: async ({ signal }) => client.call('listTokens', { signal }) })
}

export function sessionsQuery(client: Client) {
  return queryOptions({
    queryKey: ['sessions'],
    queryFn: async ({ signal }) => client.call('listSessions', { signal }),
  })
}

export function quotaQuery(client: Client) {
  return queryOptions({
    queryKey: ['quota', 'mine'],
    queryFn: async ({ signal }) => client.call('getQuota', { signal }),
  })
}
