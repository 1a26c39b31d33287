import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowLeftRight } from 'lucide-react'
import type { TransferView } from '@fog/contract'
import { formatChange, isZero, shortId } from '../../format/format.ts'
import { Card } from '../../parts/card.tsx'
import { classes } from '../../parts/classes.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Ago } from '../../parts/time.tsx'
import { useClient } from '../../session/session-context.tsx'
import { transferWords } from './transfer-words.ts'
import { transfersQuery } from './queries.ts'

const COLUMNS: readonly Column<TransferView>[] = [
  {
    id: 'kind',
    header: 'What for',
    className: 'w-full max-w-0',
    cell: (transfer) => (
      <>
        <span className="block font-medium">{transferWords(transfer.kind)}</span>
        <span className="block truncate text-[0.8125rem] text-faint">
          <Reference text={transfer.reference} />
        </span>
      </>
    ),
  },
  {
    id: 'amount',
    header: 'Tokens',
    align: 'end',
    cell: (transfer) => (
      <span
        className={classes(
          'font-medium whitespace-nowrap',
          !isZero(transfer.amount) && (transfer.amount.startsWith('-') ? 'text-ink' : 'text-good'),
        )}
      >
        {formatChange(transfer.amount)}
      </span>
    ),
  },
  { id: 'between', header: 'Between', from: 'lg', cell: (transfer) => <Parties transfer={transfer} /> },
  { id: 'at', header: 'When', align: 'end', from: 'sm', cell: (transfer) => <Ago at={transfer.at} /> },
]

/** Everything that moved tokens of yours, newest first. */
export function TransfersPart() {
  const pages = usePages()
  const transfers = useQuery(transfersQuery(useClient(), pages.after))
  return (
    <Card flush title="Transfers" note="Every change of your balance, newest first.">
      <Resource query={transfers} lines={6} label="Loading transfers">
        {(page) =>
          page.items.length > 0 ? (
            <DataTable
              caption="Transfers of your account"
              columns={COLUMNS}
              rows={page.items}
              rowId={(transfer) => transfer.transferId}
            />
          ) : (
            <Empty icon={<ArrowLeftRight size={22} />} title="Nothing moved yet">
              Grants, holds for jobs and pay for your devices will stand here.
            </Empty>
          )
        }
      </Resource>
      <Pager pages={pages} next={transfers.data?.next} label="Pages of transfers" />
    </Card>
  )
}

function Reference({ text }: { text: string }) {
  const jobId = /job_[0-9a-z]{26}/.exec(text)?.[0]
  if (!jobId) return text
  return (
    <Link
      to="/jobs/$jobId"
      params={{ jobId }}
      search={{ tab: 'receipt' }}
      className="font-mono hover:text-accent hover:underline"
    >
      {shortId(jobId)}
    </Link>
  )
}

function Parties({ transfer }: { transfer: TransferView }) {
  return (
    <span className="text-[0.8125rem] whitespace-nowrap text-soft">
      {[...new Set(transfer.postings.map(({ name }) => name))].join(', ')}
    </span>
  )
}
