import {
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  sortFn_alphanumeric,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { ArrowDown, ArrowUp, ChevronsUpDown } from 'lucide-react'
import { type ReactNode, useMemo } from 'react'
import { classes } from './classes.ts'

export interface Column<Row> {
  readonly id: string
  readonly header: string
  readonly cell: (row: Row) => ReactNode
  /** Makes the column sortable, by this. */
  readonly sort?: (row: Row) => string | number
  readonly align?: 'end'
  /** Shown from this width on; the first columns stay on a phone. */
  readonly from?: 'sm' | 'md' | 'lg'
  readonly headerHidden?: boolean
  readonly className?: string
}

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric },
})
const FROM = { sm: 'max-sm:hidden', md: 'max-md:hidden', lg: 'max-lg:hidden' }

interface DataTableProps<Row extends object> {
  /** Read out before the table. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly rowId: (row: Row) => string
}

/** Rows with headers that a screen reader can follow; sortable columns say how they are sorted. */
export function DataTable<Row extends object>({ caption, columns, rows, rowId }: DataTableProps<Row>) {
  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns])
  const definitions = useMemo(() => definitionsOf(columns), [columns])
  const edges = useMemo(() => edgesOf(columns), [columns])
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: (row) => rowId(row as Row),
    enableMultiSort: false,
  })
  return (
    <table className="w-full border-collapse text-sm">
      <caption className="sr-only">{caption}</caption>
      <thead>
        {table.getHeaderGroups().map((group) => (
          <tr key={group.id} className="border-b border-line text-left text-xs text-faint">
            {group.headers.map((header) => {
              const column = byId.get(header.id)!
              const sorted = column.sort ? header.column.getIsSorted() : false
              return (
                <th
                  key={header.id}
                  scope="col"
                  aria-sort={sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : undefined}
                  className={cellClass(column, edges, 'py-2 font-medium whitespace-nowrap')}
                >
                  {column.sort ? (
                    <SortButton
                      text={column.header}
                      sorted={sorted}
                      onSort={() => header.column.toggleSorting()}
                      end={column.align === 'end'}
                    />
                  ) : (
                    <span className={column.headerHidden ? 'sr-only' : undefined}>{column.header}</span>
                  )}
                </th>
              )
            })}
          </tr>
        ))}
      </thead>
      <tbody>
        {table.getRowModel().rows.map((row) => (
          <tr
            key={row.id}
            className="group/row relative border-b border-line transition-colors last:border-0 hover:bg-sunken/60"
          >
            {columns.map((column) => (
              <td key={column.id} className={cellClass(column, edges, 'py-2.5')}>
                {column.cell(row.original as Row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function definitionsOf<Row extends object>(columns: readonly Column<Row>[]) {
  const helper = createColumnHelper<typeof features, object>()
  return helper.columns(
    columns.map((column) =>
      helper.accessor((row) => column.sort?.(row as Row) ?? '', {
        id: column.id,
        header: column.header,
        enableSorting: column.sort !== undefined,
        sortFn: 'alphanumeric',
      }),
    ),
  )
}

type Edges = ReadonlyMap<string, string>

/** The last column at each width keeps its distance from the edge: which one it is depends on what is hidden. */
function edgesOf<Row>(columns: readonly Column<Row>[]): Edges {
  const edges = new Map<string, string>()
  for (const [widths, padding] of LAST_AT) {
    const last = columns.findLast(({ from }) => from === undefined || widths.includes(from))
    if (last) edges.set(last.id, classes(edges.get(last.id), padding))
  }
  return edges
}

const LAST_AT: readonly (readonly [readonly string[], string])[] = [
  [[], 'max-sm:pr-4'],
  [['sm'], 'sm:max-md:pr-5'],
  [['sm', 'md'], 'md:max-lg:pr-5'],
  [['sm', 'md', 'lg'], 'lg:pr-5'],
]

function cellClass<Row>(column: Column<Row>, edges: Edges, more: string): string {
  return classes(
    'px-2 first:pl-4 sm:px-3 sm:first:pl-5',
    edges.get(column.id),
    more,
    column.align === 'end' && 'text-right figures whitespace-nowrap',
    column.from && FROM[column.from],
    column.className,
  )
}

function SortButton({
  text,
  sorted,
  onSort,
  end,
}: {
  text: string
  sorted: false | 'asc' | 'desc'
  onSort: () => void
  end: boolean
}) {
  const Icon = sorted === 'asc' ? ArrowUp : sorted === 'desc' ? ArrowDown : ChevronsUpDown
  return (
    <button
      type="button"
      onClick={onSort}
      className={classes('inline-flex items-center gap-1 rounded hover:text-ink', end && 'flex-row-reverse')}
    >
      {text}
      <Icon size={12} aria-hidden="true" className={sorted ? 'text-accent' : 'opacity-60'} />
    </button>
  )
}
