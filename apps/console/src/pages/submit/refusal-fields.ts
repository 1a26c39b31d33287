import type { QuoteView } from '@fog/contract'
import type { Fault } from './document-text.ts'

const FIELDS: Readonly<Record<string, string>> = {
  cores: 'resources.cores',
  memory: 'resources.memoryMiB',
  disk: 'resources.diskMiB',
  privacy: 'privacy',
  routing: 'routing',
  owners: 'verify',
  'job.over_budget': 'budget',
}

/** The refusals that are one field's doing, to be shown there; the others belong to the whole job. */
export function refusalFaults(quote: QuoteView | undefined): Fault[] {
  return (quote?.refusals ?? [])
    .map(({ code, text }) => ({ field: FIELDS[code] ?? '', text }))
    .filter(({ field }) => field !== '')
}
