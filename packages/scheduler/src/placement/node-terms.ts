import type { NodeView } from '../node-view.ts'
import type { NodeTerms } from './request.ts'

/** Labels by which an owner says what a node asks and draws. A plain number each. */
export const TERM_LABELS = {
  corePrice: 'price.core-hour',
  gpuPrice: 'price.gpu-hour',
  idleWatts: 'power.idle-w',
  coreWatts: 'power.core-w',
  gpuWatts: 'power.gpu-w',
  speed: 'speed',
} as const satisfies Record<keyof NodeTerms, string>

/**
 * What is assumed of a node whose labels say nothing: assumptions, never measurements. One price for all, so that it says
 * nothing; a desktop's watts, 15 for the machine and 1 for each of its cores while idle, 6 more for each core at work.
 */
export const ASSUMED = {
  corePrice: 1,
  gpuPrice: 20,
  idleWatts: 15,
  idleCoreWatts: 1,
  coreWatts: 6,
  gpuWatts: 150,
  speed: 1,
}

export interface TermsRead {
  readonly terms: NodeTerms
  /** Terms that no label gives. */
  readonly assumed: readonly (keyof NodeTerms)[]
}

/** Reads a node's terms from its labels; a label that is no number of 0 or more counts as none. A speed of 0 is none. */
export function readTerms({ labels, capacity }: Pick<NodeView, 'labels' | 'capacity'>): TermsRead {
  const assumed: (keyof NodeTerms)[] = []
  const read = (name: keyof NodeTerms, otherwise: number): number => {
    const text = labels[TERM_LABELS[name]]
    const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
    if (Number.isFinite(value) && value >= 0 && !(name === 'speed' && value === 0)) return value
    assumed.push(name)
    return otherwise
  }
  const terms: NodeTerms = {
    corePrice: read('corePrice', ASSUMED.corePrice),
    gpuPrice: read('gpuPrice', ASSUMED.gpuPrice),
    idleWatts: read('idleWatts', ASSUMED.idleWatts + (ASSUMED.idleCoreWatts * capacity.cpuMilli) / 1000),
    coreWatts: read('coreWatts', ASSUMED.coreWatts),
    gpuWatts: read('gpuWatts', ASSUMED.gpuWatts),
    speed: read('speed', ASSUMED.speed),
  }
  return { terms, assumed }
}
