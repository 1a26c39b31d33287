import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { Client } from '@fog/contract'
import { given } from '../../given.ts'

const PAGE = 50

export function usersQuery(client: Client, after: string | undefined) {
  return queryOptions({
    queryKey: ['users', { after }],
    queryFn: async ({ signal }) => client.call('listUsers', { query: { limit: PAGE, ...given({ after }) }, signal }),
    placeholderData: keepPreviousData,
  })
}

/** Names of users by their ids and accounts, for lists that hold ids only. The first thousand: the others keep their ids. */
export function namesQuery(client: Client) {
  return queryOptions({
    queryKey: ['users', 'names'],
    queryFn: async ({ signal }) => {
      const { items } = await client.call('listUsers', { query: { limit: 1000 }, signal })
      return new Map(
        items.flatMap(({ userId, accountId, name }) => [[userId, name] as const, [accountId, name] as const]),
      )
    },
  })
}

export function auditQuery(client: Client, after: string | undefined) {
  return queryOptions({
    queryKey: ['audit', { after }],
    queryFn: async ({ signal }) => client.call('listAudit', { query: { limit: PAGE, ...given({ after }) }, signal }),
    placeholderData: keepPreviousData,
  })
}

export function accountQuotaQuery(client: Client, accountId: string) {
  return queryOptions({
    queryKey: ['quota', accountId],
    queryFn: async ({ signal }) => client.call('getAccountQuota', { params: { accountId }, signal }),
  })
}

/** Recomputed by the control plane at each read, so it is not read without being asked for. */
export function ledgerAuditQuery(client: Client) {
  return queryOptions({
    queryKey: ['ledgerAudit'],
    queryFn: async ({ signal }) => client.call('auditLedger', { signal }),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnReconnect: false,
  })
}
