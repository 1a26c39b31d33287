import type { FrontPointView } from '@fog/contract'
import { countOf } from '../../format/format.ts'

/** A figure in as few digits as tell it apart. */
export function formatValue(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e6 || size < 1e-3) return value.toExponential(1)
  return size >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

/** Whose promises a plan would break, best tier first; undefined where it breaks none. */
export function breachText({ breaches }: Pick<FrontPointView, 'breaches'>): string | undefined {
  const broken = Object.entries(breaches).filter(([, count]) => count > 0)
  return broken.length === 0 ? undefined : broken.map(([tier, count]) => `${count} ${tier}`).join(', ')
}

const TERMS: Readonly<Record<string, string>> = {
  corePrice: 'the price of a core',
  idleWatts: 'watts while idle',
  coreWatts: 'watts of a busy core',
  gpuPrice: 'the price of a GPU',
  gpuWatts: 'watts of a busy GPU',
  speed: 'speed',
}

/** What was assumed, since nobody said it; undefined where nothing was. GPUs only matter where there are some. */
export function assumedText(assumed: Readonly<Record<string, number>>): string | undefined {
  const parts = Object.entries(assumed)
    .filter(([term, nodes]) => nodes > 0 && !term.startsWith('gpu'))
    .map(([term, nodes]) => `${TERMS[term] ?? term} for ${countOf(nodes, 'device')}`)
  return parts.length === 0 ? undefined : parts.join(', ')
}
