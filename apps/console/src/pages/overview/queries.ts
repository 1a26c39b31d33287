import { queryOptions } from '@tanstack/react-query'
import type { Client } from '@fog/contract'

export function overviewQuery(client: Client) {
  return queryOptions({ queryKey: ['overview'], queryFn: async ({ signal }) => client.call('getOverview', { signal }) })
}

/** Measured over hours: a look each half minute is enough. */
export function tiersQuery(client: Client) {
  return queryOptions({
    queryKey: ['tiers'],
    queryFn: async ({ signal }) => client.call('listTiers', { signal }),
    refetchInterval: 30_000,
  })
}

export function latestJobsQuery(client: Client) {
  return queryOptions({
    queryKey: ['jobs', 'list', 'latest'],
    queryFn: async ({ signal }) => client.call('listJobs', { query: { limit: 5 }, signal }),
  })
}
