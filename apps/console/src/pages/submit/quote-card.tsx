import type { QuoteView } from '@fog/contract'
import { countOf, formatCount, formatFuel, formatTokens } from '../../format/format.ts'
import { Facts } from '../../parts/card.tsx'
import { classes } from '../../parts/classes.ts'
import { Failure, Notice } from '../../parts/notice.tsx'
import type { Prepared } from './submission.ts'

interface QuoteCardProps {
  readonly prepared: Prepared
  readonly quote: QuoteView | undefined
  readonly asking: boolean
  readonly error: unknown
}

/** What the control plane says it would cost, and why it would not take it. */
export function QuoteCard({ prepared, quote, asking, error }: QuoteCardProps) {
  if (prepared.status === 'uploading') {
    return (
      <p role="status" className="text-sm text-soft">
        Bringing files over: {formatCount(prepared.ready)} of {countOf(prepared.files, 'file')} are there.
      </p>
    )
  }
  if (prepared.status === 'faulty')
    return <p className="text-sm text-soft">Name the job and choose its program, then its price stands here.</p>
  if (error && !asking) return <Failure error={error} />
  if (!quote) {
    return (
      <p role="status" className="text-sm text-soft">
        Asking for the price
      </p>
    )
  }
  return (
    <div
      aria-live="polite"
      aria-busy={asking}
      className={classes('space-y-4 transition-opacity', asking && 'opacity-60')}
    >
      <p className="figures text-3xl font-semibold tracking-[-0.02em]">
        {formatTokens(quote.priceCap)}{' '}
        <span className="text-sm font-medium tracking-normal text-soft">tokens at most</span>
      </p>
      <Facts
        facts={[
          ['Tasks', formatCount(quote.tasks)],
          ['Each at most', `${formatTokens(quote.perTask)} tokens`],
          ['Fuel each', `${formatFuel(quote.fuelPerTask)} instructions`],
          ['Price', `${formatTokens(quote.unitPrice)} for 10⁹ instructions`],
          ['Checked by', quote.quorum > 1 ? `up to ${quote.quorum} nodes` : 'one node'],
          ['You have', `${formatTokens(quote.available)} tokens`],
        ]}
      />
      {quote.refusals.length > 0 && (
        <Notice kind="bad">
          <p className="font-medium">It would not be taken:</p>
          <ul className="list-disc pl-5">
            {quote.refusals.map((refusal) => (
              <li key={refusal.code + refusal.text}>{refusal.text}</li>
            ))}
          </ul>
        </Notice>
      )}
    </div>
  )
}
