import type { NodeView } from '../node-view.ts'

/** Nodes of one domain fail together: a house, a rack, a provider. */
export const DOMAIN_LABEL = 'domain'

/** The failure domain of a node: what its label says, else its owner, whose nodes mostly stand in one place. */
export function domainOf({ labels, ownerId }: Pick<NodeView, 'labels' | 'ownerId'>): string {
  return labels[DOMAIN_LABEL] ?? ownerId
}
