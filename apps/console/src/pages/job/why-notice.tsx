import type { WhyView } from '@fog/contract'
import { countOf } from '../../format/format.ts'
import { Notice } from '../../parts/notice.tsx'

/** Why tasks wait, the most telling reason first. */
export function WhyNotice({ why }: { why: WhyView }) {
  const [first, ...others] = why.reasons
  // While some tasks run, the rest waits its turn: one line that does not jump is enough.
  const rest = why.status === 'queued' ? others : []
  if (!first) return null
  return (
    <Notice>
      <p className="font-medium text-ink">Why it waits</p>
      <p>
        {first.text} <span className="text-faint">({countOf(first.tasks, 'task')})</span>
      </p>
      {rest.length > 0 && (
        <ul className="mt-1 list-disc pl-5">
          {rest.map((reason) => (
            <li key={`${reason.code} ${reason.text}`}>
              {reason.text} <span className="text-faint">({countOf(reason.tasks, 'task')})</span>
            </li>
          ))}
        </ul>
      )}
    </Notice>
  )
}
