import { useQuery } from '@tanstack/react-query'
import { ScrollText } from 'lucide-react'
import type { AuditEntryView } from '@fog/contract'
import { sentenceOf, shortId } from '../../format/format.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { Resource } from '../../parts/resource.tsx'
import { Ago } from '../../parts/time.tsx'
import { useClient } from '../../session/session-context.tsx'
import { auditQuery, namesQuery } from './queries.ts'

/** Who did what to whom, newest first; nothing in it ever changes. */
export function AuditPart() {
  const pages = usePages()
  const client = useClient()
  const entries = useQuery(auditQuery(client, pages.after))
  const people = useQuery(namesQuery(client))
  return (
    <Card
      flush
      title="Audit log"
      note="Newest first. Entries are only ever added."
      actions={
        <Button size="small" busy={entries.isFetching} onClick={() => void entries.refetch()}>
          Read again
        </Button>
      }
    >
      <Resource query={entries} lines={8} label="Loading the audit log">
        {(page) =>
          page.items.length > 0 ? (
            <DataTable
              caption="Audit log"
              columns={columnsFor(people.data ?? new Map())}
              rows={page.items}
              rowId={(entry) => String(entry.sequence)}
            />
          ) : (
            <Empty icon={<ScrollText size={22} />} title="Nothing is written yet" />
          )
        }
      </Resource>
      <Pager pages={pages} next={entries.data?.next} label="Pages of the audit log" />
    </Card>
  )
}

function columnsFor(names: ReadonlyMap<string, string>): readonly Column<AuditEntryView>[] {
  return [
    { id: 'at', header: 'When', cell: (entry) => <Ago at={entry.at} /> },
    { id: 'actor', header: 'Who', cell: (entry) => <Text text={entry.actor} name={names.get(entry.actor)} /> },
    {
      id: 'action',
      header: 'Did what',
      className: 'w-full max-w-0',
      cell: (entry) => (
        <>
          <span className="block truncate font-medium">{sentenceOf(entry.action)}</span>
          {Object.keys(entry.facts).length > 0 && (
            <span className="block truncate text-[0.8125rem] text-faint">
              {Object.entries(entry.facts)
                .map(([name, value]) => `${name} ${String(value)}`)
                .join(', ')}
            </span>
          )}
        </>
      ),
    },
    {
      id: 'subject',
      header: 'To what',
      from: 'md',
      cell: (entry) => <Text text={entry.subject} name={names.get(entry.subject)} />,
    },
    {
      id: 'address',
      header: 'From',
      from: 'lg',
      cell: (entry) => <span className="font-mono text-[0.8125rem] text-soft">{entry.address}</span>,
    },
  ]
}

/** An id, or the name of whom it stands for where that is known. */
function Text({ text, name }: { text: string; name: string | undefined }) {
  if (name !== undefined) return <span title={text}>{name}</span>
  const isId = /^[a-z]+_[0-9a-z]{26}$/.test(text)
  return (
    <span title={text} className="whitespace-nowrap">
      {isId ? <code className="font-mono text-[0.8125rem] text-soft">{shortId(text)}</code> : text}
    </span>
  )
}
