import { queryOptions, useQuery } from '@tanstack/react-query'
import type { Client, MeView } from '@fog/contract'
import { useClient } from '../session/session-context.tsx'

export function meQuery(client: Client) {
  return queryOptions({ queryKey: ['me'], queryFn: async ({ signal }) => client.call('getMe', { signal }) })
}

/** Who is logged in, once known. */
export function useMe(): MeView | undefined {
  return useQuery(meQuery(useClient())).data
}
