import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { JobView, ReceiptView } from '@fog/contract'
import { countOf, formatCount, formatDuration, formatFuel, formatTokens, percentOf } from '../../format/format.ts'
import { Card, Figure } from '../../parts/card.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Notice } from '../../parts/notice.tsx'
import { Resource } from '../../parts/resource.tsx'
import { useClient } from '../../session/session-context.tsx'
import { receiptQuery } from './queries.ts'

/** Who ran it, how long, what it used and what it cost: so far, and in the end. */
export function ReceiptPart({ job }: { job: JobView }) {
  const receipt = useQuery(receiptQuery(useClient(), job.jobId))
  return (
    <Card
      flush
      title="Receipt"
      note={job.settled ? 'Settled: nothing will change any more.' : 'Not settled yet: figures so far.'}
    >
      <Resource query={receipt} lines={6} label="Loading the receipt">
        {(data) => <Receipt receipt={data} />}
      </Resource>
    </Card>
  )
}

function Receipt({ receipt }: { receipt: ReceiptView }) {
  const { held, cost, returned, fee, fuel, cpuMs, wallMs, unitPrice } = receipt
  return (
    <>
      <dl className="grid grid-cols-2 gap-x-4 gap-y-5 px-4 pt-1 pb-5 sm:grid-cols-4 sm:px-5">
        <Figure name="Cost" value={formatTokens(cost)} unit="tokens" note={`of which fee ${formatTokens(fee)}`} />
        <Figure name="Held" value={formatTokens(held)} unit="tokens" />
        <Figure name="Returned" value={formatTokens(returned)} unit="tokens" />
        <Figure name="Price" value={formatTokens(unitPrice)} unit="tokens" note="for 10⁹ instructions" />
        <Figure name="Fuel" value={formatFuel(fuel)} note="metered instructions" />
        <Figure name="CPU time" value={formatDuration(cpuMs)} />
        <Figure name="Run time" value={formatDuration(wallMs)} note="of all tasks together" />
        <Figure
          name="Tasks"
          value={formatCount(receipt.done)}
          unit={`of ${formatCount(receipt.tasks)}`}
          note={receipt.failed > 0 ? `${formatCount(receipt.failed)} failed` : 'none failed'}
        />
      </dl>
      {receipt.credit && <Credit credit={receipt.credit} settled={receipt.settled} />}
      {receipt.lines.length === 0 ? (
        <div className="px-4 pb-5 sm:px-5">
          <Notice>
            {receipt.settled
              ? 'No work was accepted, so nobody was paid.'
              : 'No accepted work yet, so nobody is paid yet.'}
          </Notice>
        </div>
      ) : (
        <div className="border-t border-line">
          <DataTable
            caption={`Who ran ${receipt.name}`}
            columns={columnsFor(receipt)}
            rows={receipt.lines}
            rowId={(line) => line.nodeId}
          />
        </div>
      )}
    </>
  )
}

function Credit({ credit, settled }: { credit: NonNullable<ReceiptView['credit']>; settled: boolean }) {
  const { due, owed, percent, tasks, broken } = credit
  const kinds = broken.map((kind) => BROKEN[kind]).join(', ')
  const rest = Number(owed) > 0 ? ` ${formatTokens(owed)} of it is owed until the treasury has it.` : ''
  return (
    <div className="px-4 pb-5 sm:px-5">
      <Notice>
        {`Credit of ${formatTokens(due)} tokens${settled ? '' : ' so far'}: ${percent} % of the price of ${countOf(tasks, 'task')} (${kinds}).${settled ? rest : ''}`}
      </Notice>
    </div>
  )
}

const BROKEN: Readonly<Record<NonNullable<ReceiptView['credit']>['broken'][number], string>> = {
  queue_wait: 'begun too late',
  restart: 'restarted too late',
  run_stretch: 'run too slowly',
}

/** A device whose part others went on from has done part of a task. */
function tasksOf({ tasks, checkpointedFuel }: ReceiptView['lines'][number]): string {
  return checkpointedFuel === undefined ? formatCount(tasks) : `${formatCount(tasks)} + part`
}

function columnsFor({ lines }: ReceiptView): readonly Column<ReceiptView['lines'][number]>[] {
  const all = lines.reduce((sum, line) => sum + Number(line.fuel), 0)
  return [
    {
      id: 'node',
      header: 'Ran on',
      sort: (line) => line.nodeName,
      className: 'w-full max-w-0 sm:w-auto sm:max-w-none',
      cell: (line) => (
        <Link
          to="/nodes/$nodeId"
          params={{ nodeId: line.nodeId }}
          className="block truncate font-medium hover:text-accent hover:underline"
        >
          {line.nodeName}
        </Link>
      ),
    },
    { id: 'tasks', header: 'Tasks', align: 'end', sort: (line) => line.tasks, cell: tasksOf },
    {
      id: 'share',
      header: 'Share of the work',
      from: 'md',
      className: 'w-[30%]',
      cell: (line) => (
        <div className="flex items-center gap-2">
          <div className="h-1.5 flex-1 overflow-hidden rounded-full bg-track" aria-hidden="true">
            <div
              className="h-full rounded-full bg-bar-run"
              style={{ width: `${percentOf(Number(line.fuel), all)}%` }}
            />
          </div>
          <span className="figures w-12 text-right text-xs text-faint">
            {Math.round(percentOf(Number(line.fuel), all))} %
          </span>
        </div>
      ),
    },
    {
      id: 'fuel',
      header: 'Fuel',
      align: 'end',
      from: 'sm',
      sort: (line) => Number(line.fuel),
      cell: (line) => formatFuel(line.fuel),
    },
    {
      id: 'cpu',
      header: 'CPU',
      align: 'end',
      from: 'sm',
      sort: (line) => line.cpuMs,
      cell: (line) => formatDuration(line.cpuMs),
    },
    {
      id: 'paid',
      header: 'Paid',
      align: 'end',
      sort: (line) => Number(line.paid),
      cell: (line) => <span title={countOf(line.tasks, 'task')}>{formatTokens(line.paid)}</span>,
    },
  ]
}
