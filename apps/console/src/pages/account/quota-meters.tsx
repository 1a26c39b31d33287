import type { QuotaView } from '@fog/contract'
import { Badge } from '../../parts/badge.tsx'
import { UsageBar } from '../../parts/progress.tsx'
import { quotaRows } from './quota-rows.ts'

/** How much of each limit is used. */
export function QuotaMeters({ quota }: { quota: QuotaView }) {
  return (
    <ul className="space-y-4">
      {quotaRows(quota).map(({ name, title, text, percent, own }) => (
        <li key={name}>
          <div className="mb-1.5 flex flex-wrap items-baseline justify-between gap-x-3 text-sm">
            <span className="inline-flex items-center gap-2 font-medium">
              {title} {own && <Badge tone="accent">set for this account</Badge>}
            </span>
            <span className="figures text-soft">{text}</span>
          </div>
          {percent !== undefined && <UsageBar part={percent} whole={100} label={`${title} used`} text={text} />}
        </li>
      ))}
    </ul>
  )
}
