import { queryOptions, keepPreviousData } from '@tanstack/react-query'
import { ApiError, type Client, type MixnetRules, type MixnetView } from '@fog/contract'
import { given } from '../../given.ts'
import { fingerprintsOf } from './fingerprint.ts'

/** What the network is, with how far this device's clock is from the control plane's. */
export interface Mixnet extends MixnetView {
  readonly aheadMs: number
}

export function mixnetQuery(client: Client) {
  return queryOptions({
    queryKey: ['mixnet', 'rules'],
    queryFn: async ({ signal }): Promise<Mixnet> => {
      const view = await client.call('getMixnet', { signal })
      return { ...view, aheadMs: view.now - Date.now() }
    },
  })
}

/** The network of the epoch that runs, or the last one there is. */
export function topologyQuery(client: Client) {
  return queryOptions({
    queryKey: ['mixnet', 'topology'],
    queryFn: async ({ signal }) => client.call('getMixTopology', { signal }),
  })
}

const FLOW_EPOCHS = 72

/** Packets by epoch, of all nodes or of one. */
export function flowQuery(client: Client, identityKey?: string) {
  return queryOptions({
    queryKey: ['mixnet', 'flow', identityKey ?? 'all'],
    queryFn: async ({ signal }) =>
      client.call('listMixFlow', { query: { epochs: FLOW_EPOCHS, ...given({ identityKey }) }, signal }),
  })
}

export function placeFlowQuery(client: Client) {
  return queryOptions({
    queryKey: ['mixnet', 'places'],
    queryFn: async ({ signal }) => client.call('listMixPlaceFlow', { signal }),
  })
}

export function evidenceQuery(client: Client) {
  return queryOptions({
    queryKey: ['mixnet', 'evidence'],
    queryFn: async ({ signal }) => client.call('listMixEvidence', { signal }),
  })
}

/** Computed here, from these rules and nothing else. */
export function fingerprintsQuery(rules: MixnetRules) {
  return queryOptions({
    queryKey: ['fingerprints', rules],
    queryFn: async () => fingerprintsOf(rules),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

const PAGE = 50

export function mixNodesQuery(client: Client, { mine, after }: { mine: boolean; after: string | undefined }) {
  return queryOptions({
    queryKey: ['mixnet', 'nodes', { mine, after }],
    queryFn: async ({ signal }) =>
      client.call('listMixNodes', { query: { limit: PAGE, ...given({ after }), ...(mine && { mine }) }, signal }),
    placeholderData: keepPreviousData,
  })
}

/** Whether this control plane keeps no mixnet at all. */
export function isOff(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'mixnet.off'
}
