import { Link } from '@tanstack/react-router'
import type { TaskView } from '@fog/contract'
import { countOf, percentOf } from '../../format/format.ts'
import { sharesOf } from './shares.ts'

const SHOWN = 6

/** Which devices work on the job, the busiest first. */
export function NodeShares({ tasks }: { tasks: readonly TaskView[] }) {
  const shares = sharesOf(tasks)
  const most = shares[0]?.tasks ?? 0
  if (shares.length === 0) return null
  return (
    <div className="mt-4 border-t border-line pt-4">
      <h3 className="mb-2 text-[0.8125rem] font-medium text-soft">By device</h3>
      <ul className="space-y-2 text-sm">
        {shares.slice(0, SHOWN).map((share) => (
          <li key={share.nodeId} className="grid grid-cols-[minmax(0,8rem)_minmax(0,1fr)_auto] items-center gap-3">
            <Link
              to="/nodes/$nodeId"
              params={{ nodeId: share.nodeId }}
              className="truncate font-medium hover:text-accent hover:underline"
            >
              {share.nodeName}
            </Link>
            <span aria-hidden="true" className="h-1.5 overflow-hidden rounded-full bg-track">
              <span
                className="block h-full rounded-full bg-bar-run transition-[width] duration-500 ease-out"
                style={{ width: `${percentOf(share.tasks, most)}%` }}
              />
            </span>
            <span className="figures text-right text-[0.8125rem] text-soft">{countOf(share.tasks, 'task')}</span>
          </li>
        ))}
      </ul>
      {shares.length > SHOWN && (
        <p className="mt-2 text-[0.8125rem] text-faint">and {countOf(shares.length - SHOWN, 'more device')}</p>
      )}
    </div>
  )
}
