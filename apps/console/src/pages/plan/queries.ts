import { queryOptions } from '@tanstack/react-query'
import type { Client } from '@fog/contract'

export const FRONTS_SHOWN = 20

/** Plans are made every few seconds at most. */
export function frontsQuery(client: Client) {
  return queryOptions({
    queryKey: ['fronts'],
    queryFn: async ({ signal }) => client.call('listFronts', { query: { limit: FRONTS_SHOWN }, signal }),
    refetchInterval: 5_000,
  })
}
