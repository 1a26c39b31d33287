import { queryOptions } from '@tanstack/react-query'
import type { Client } from '@fog/contract'

export function nodeQuery(client: Client, nodeId: string) {
  return queryOptions({
    queryKey: ['nodes', nodeId],
    queryFn: async ({ signal }) => client.call('getNode', { params: { nodeId }, signal }),
  })
}
