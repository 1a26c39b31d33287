import type { QuotaView } from '@fog/contract'
import { formatCount, formatNumber, formatTokens, percentOf } from '../../format/format.ts'

export type QuotaName = 'openJobs' | 'openTasks' | 'cores' | 'tokensPerDay'

/** One limit of an account, as it is shown. */
export interface QuotaRow {
  readonly name: QuotaName
  readonly title: string
  /** `3 of 100`, or `3, without limit`. */
  readonly text: string
  /** 0 to 100; undefined without a limit. */
  readonly percent: number | undefined
  /** Whether the limit was set for this account alone. */
  readonly own: boolean
}

/** What an account uses of each of its limits. Pure. */
export function quotaRows({ openJobs, openTasks, cores, tokensPerDay }: QuotaView): QuotaRow[] {
  return [
    row('openJobs', 'Open jobs', openJobs, formatCount),
    row('openTasks', 'Open tasks', openTasks, formatCount),
    row('cores', 'Cores at once', cores, formatNumber),
    row('tokensPerDay', 'Tokens in 24 hours', tokensPerDay, formatTokens),
  ]
}

function row<Value extends number | string>(
  name: QuotaName,
  title: string,
  { used, limit, own }: { readonly used: Value; readonly limit?: Value; readonly own: boolean },
  format: (value: Value) => string,
): QuotaRow {
  if (limit === undefined) return { name, title, text: `${format(used)}, without limit`, percent: undefined, own }
  // With a limit of nothing, nothing is left.
  const percent = Number(limit) === 0 ? 100 : percentOf(Number(used), Number(limit))
  return { name, title, text: `${format(used)} of ${format(limit)}`, percent, own }
}
