import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { Client } from '@fog/contract'
import { given } from '../../given.ts'

export interface NodeListing {
  readonly mine: boolean
  readonly retired: boolean
  readonly after: string | undefined
}

const PAGE = 100

export function nodesQuery(client: Client, { mine, retired, after }: NodeListing) {
  return queryOptions({
    queryKey: ['nodes', 'list', { mine, retired, after }],
    queryFn: async ({ signal }) =>
      client.call('listNodes', {
        query: { limit: PAGE, ...given({ after }), ...(mine && { mine }), ...(retired && { retired }) },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}

export function joinTokensQuery(client: Client) {
  return queryOptions({
    queryKey: ['joinTokens'],
    queryFn: async ({ signal }) => client.call('listJoinTokens', { signal }),
  })
}
